import type { QueueConnection } from './backend.js';

/** Where the queue lives, by the settings QUEUE_BACKEND, REDIS_URL, DATABASE_URL and DATABASE_DIRECT_URL. `auto` takes Redis
 *  when there is one. BullMQ on Postgres needs sessions, so it uses the direct URL. Returns a string that says what is missing. */
export function chooseQueue(found: {
  queueBackend: 'auto' | 'redis' | 'postgres';
  redisUrl: string | null;
  databaseUrl: string | null;
  databaseDirectUrl: string | null;
}): QueueConnection | string {
  if (found.queueBackend !== 'postgres' && found.redisUrl !== null) return { backend: 'redis', url: found.redisUrl };
  if (found.queueBackend === 'redis') return 'REDIS_URL is required, as QUEUE_BACKEND is redis.';
  const databaseUrl = found.databaseDirectUrl ?? found.databaseUrl;
  if (databaseUrl !== null) return { backend: 'postgres', url: databaseUrl };
  return 'REDIS_URL is required, or DATABASE_URL where BullMQ runs on Postgres.';
}
