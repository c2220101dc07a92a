import type { Database } from '@posthorn/core';
import type { ApiDeps } from './deps.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route uses readList. The OpenAPI document then has the header. */
    mayLag?: boolean;
  }
}

/** Reads a list or statistics from the read replica, if there is one, and sets the header `Posthorn-Read-Lag-Seconds`. The route's config needs
 *  `mayLag`. `work` may run twice. To see the latest write, read from `db` instead. */
export async function readList<T>(
  { reader }: Pick<ApiDeps, 'reader'>,
  reply: { header(name: string, value: string): unknown },
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const { result, lagSeconds } = await reader.read(work);
  if (lagSeconds !== null) void reply.header('posthorn-read-lag-seconds', lagSeconds.toFixed(1));
  return result;
}
