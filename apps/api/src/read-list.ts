import type { Database } from '@posthorn/core';
import type { ApiDeps } from './deps.js';

/** Reads a list or statistics from the read replica, if there is one, and sets the header `Posthorn-Read-Lag-Seconds`.
 *  `work` may run twice. To see the latest write, read from `db` instead. */
export async function readList<T>(
  { reader }: Pick<ApiDeps, 'reader'>,
  reply: { header(name: string, value: string): unknown },
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const { result, lagSeconds } = await reader.read(work);
  if (lagSeconds !== null) void reply.header('posthorn-read-lag-seconds', lagSeconds.toFixed(1));
  return result;
}
