export { claimDirectory, DirectoryInUse, type Claim } from './claim-directory.js';
export { findFreePort, isPortFree } from './find-free-port.js';
export { commandOf, endProcess, isAlive, markOf, parentOf, type ProcessMark } from './process-mark.js';
export { startPostgres, type EmbeddedPostgres } from './start-postgres.js';
export { startRedis, type EmbeddedRedis } from './start-redis.js';
export { startRedisCluster, type ClusterNode, type RedisCluster } from './start-redis-cluster.js';
export { startRedisSentinels, type RedisSentinels, type WatchedServer } from './start-redis-sentinels.js';
