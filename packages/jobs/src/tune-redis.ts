import type { Writable } from 'node:stream';
import type { Cluster, Redis } from 'ioredis';

/** Sends the commands of one turn of the event loop in one write. A worker that takes a job wakes another only if more jobs wait. */
export function tuneRedis(redis: Redis | Cluster): void {
  if (redis.isCluster) redis.on('+node', writeOnConnect); // emitted before the node connects
  else writeOnConnect(redis as Redis);
  const define = redis.defineCommand.bind(redis);
  redis.defineCommand = (name, definition) => define(name, { ...definition, lua: wakeForWorkOnly(definition.lua) });
}

const writeOnConnect = (redis: Redis): void => void redis.on('connect', () => writeTogether(redis.stream));

/** Holds writes to a stream until the current callback and its promises have run, then sends them in one call. ioredis calls the
 *  kernel once per command, and a group commit ends many jobs at once. */
export function writeTogether(stream: Writable): void {
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
  let isHolding = false;
  stream.write = (...given: unknown[]) => {
    if (!isHolding) {
      isHolding = true;
      stream.cork();
      // Node runs this after all pending promises.
      process.nextTick(() => {
        isHolding = false;
        stream.uncork();
      });
    }
    return write(...given);
  };
}

const ALWAYS = 'addBaseMarkerIfNeeded(markerKey, false)';
const FOR_MORE = `addBaseMarkerIfNeeded(markerKey, not (rcall("LLEN", keyPrefix .. "wait") > 0
    or rcall("ZCARD", keyPrefix .. "prioritized") > 0 or rcall("ZCARD", keyPrefix .. "delayed") > 0))`;
const TAKES_A_JOB = /local function prepareJobForProcessing\(keyPrefix,[\s\S]*?\nend\n/;

/** Changes the BullMQ 6.7 scripts that take a job. They always set the queue's marker, even after the last job, which wakes another
 *  worker for nothing: one wake-up and three commands per delivery at light load. Delayed jobs keep the marker, since a worker
 *  must learn when the next one is due. Other scripts stay unchanged. */
const wakeForWorkOnly = (lua: string): string => lua.replace(TAKES_A_JOB, (taking) => taking.replace(ALWAYS, FOR_MORE));
