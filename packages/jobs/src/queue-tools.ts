// What tools do with a queue. It loads no BullMQ, which would take 0.3 seconds of CPU at each start of the CLI.
export type { QueueConnection } from './backend.js';
export { chooseQueue } from './choose-queue.js';
export { inspectPostgresQueue } from './inspect-postgres.js';
export { describeRedis, inspectRedis, type RedisReport } from './inspect-redis.js';
