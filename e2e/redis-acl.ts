import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

export const REDIS_PASSWORD = 'a-horn-in-the-fog';

/** Makes the user that OPERATIONS.md tells operators to make. `url` is a user's that may do so. */
export async function allowPosthorn(url: string): Promise<void> {
  const text = readFileSync(new URL('../OPERATIONS.md', import.meta.url), 'utf8');
  const rules = /^ACL SETUSER posthorn (.+)$/m.exec(text)?.[1];
  if (!rules) throw new Error('OPERATIONS.md has no line that begins with ACL SETUSER posthorn');
  const redis = new Redis(url);
  await redis.acl('SETUSER', 'posthorn', ...rules.replace('<password>', REDIS_PASSWORD).split(' '));
  redis.disconnect();
}

/** What that user tried and was not allowed to do. */
export async function deniedBy(url: string): Promise<unknown[]> {
  const redis = new Redis(url);
  const entries = await redis.acl('LOG');
  redis.disconnect();
  return entries as unknown[];
}
