import { setTimeout as pause } from 'node:timers/promises';
import { type Database, type Log, type RetainedTable, isDatabaseAway, openRetention } from '@posthorn/core';

const EVERY_MS = 10 * 60 * 1_000;

export interface RunningRetention {
  /** Ends within moments: what it is at is made of small steps. */
  stop(): Promise<void>;
}

export interface RunningRetentionOptions {
  db: Database;
  retentionDays: number;
  payloadRetentionDays: number | null;
  auditRetentionDays?: number;
  log: Log;
  observe: (gone: { table: RetainedTable; count: number }) => void;
}

/** Lets old rows go, from the start on and every ten minutes, until it is stopped. Of any number of processes one works. Faults
 *  are logged once, when they begin and when they end; it goes on through them. */
export function startRetention({ log, ...options }: RunningRetentionOptions): RunningRetention {
  const stopping = new AbortController();
  const retention = openRetention({ log, ...options });
  let isFailing = false;

  async function round(): Promise<void> {
    try {
      const gone = await retention.run(stopping.signal);
      if (gone && Object.values(gone).some((count) => count > 0)) log.info(gone, 'retention.ran');
      if (isFailing) log.info({}, 'retention.recovered');
      isFailing = false;
    } catch (error) {
      // The attempts say that the database is away; retention need not say it again.
      if (isDatabaseAway(error)) return;
      if (!isFailing) log.error({ err: error }, 'retention.failed');
      isFailing = true;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await round();
      await pause(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
