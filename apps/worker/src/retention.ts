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

/** Removes old rows at the start and every ten minutes, until it is stopped. A stop ends a round within moments. Only one of any
 *  number of processes works at a time. */
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
