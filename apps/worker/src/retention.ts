import { type Database, type Log, type RetainedTable, openRetention } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

const EVERY_MS = 10 * 60 * 1_000;

export interface RunningRetentionOptions {
  db: Database;
  retentionDays: number;
  payloadRetentionDays: number | null;
  auditRetentionDays?: number;
  log: Log;
  observe: (gone: { table: RetainedTable; count: number }) => void;
}

/** Lets old rows go, from the start on and every ten minutes, until it is stopped; a stop ends a round within moments. Of any number
 *  of processes one works. */
export function startRetention({ log, ...options }: RunningRetentionOptions): Loop {
  const retention = openRetention({ log, ...options });
  return startLoop({
    name: 'retention',
    log,
    restMs: EVERY_MS,
    async round(signal) {
      const gone = await retention.run(signal);
      if (gone && Object.values(gone).some((count) => count > 0)) log.info(gone, 'retention.ran');
    },
  });
}
