import { Redis } from 'ioredis';
import { blocksFor } from './docs-blocks.js';

export const REDIS_PASSWORD = 'a-horn-in-the-fog';

/** Makes the user of docs/operate.md's ACL line. `url` needs a user that may do so. */
export async function allowPosthorn(url: string): Promise<void> {
  const [block] = blocksFor('e2e/redis-acl.ts');
  const rules = /^ACL SETUSER posthorn (.+)$/m.exec(block?.code ?? '')?.[1];
  if (!rules) throw new Error('docs/operate.md has no line that begins with ACL SETUSER posthorn');
  const redis = new Redis(url);
  await redis.acl('SETUSER', 'posthorn', ...rules.replace('<password>', REDIS_PASSWORD).split(' '));
  redis.disconnect();
}

/** The commands that this user was not allowed to run. */
export async function deniedBy(url: string): Promise<unknown[]> {
  const redis = new Redis(url);
  const entries = await redis.acl('LOG');
  redis.disconnect();
  return entries as unknown[];
}
