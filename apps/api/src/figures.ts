import { type Database, isDatabaseAway, type LedgerFigures, type Log, readFigures } from '@posthorn/core';
import type { QueueFigures, QueueName } from '@posthorn/jobs';
import { shareResult } from '@posthorn/lifecycle';

/** How things stand in the ledger and in the queue; null: it could not be asked, and nothing older is told in its place. */
export interface Figures {
  sampledAt: Date;
  ledger: LedgerFigures | null;
  queues: Record<QueueName, QueueFigures> | null;
}

/** Answers within seconds and never throws. */
export type ReadFigures = () => Promise<Figures>;

export interface FiguresOptions {
  db: Database;
  readQueues: () => Promise<Record<QueueName, QueueFigures>>;
  /** Who asks sooner than this after somebody else gets the same answer. */
  maxAgeMs: number;
  log: Log;
}

const ANSWER_WITHIN_MS = 4_000;

/** Reads the figures for all who ask: /metrics, /readyz, /v1/queues. However many ask, they are read once in `maxAgeMs`. */
export function openFigures({ db, readQueues, maxAgeMs, log }: FiguresOptions): ReadFigures {
  let isFailing = false;

  async function readLedger(): Promise<LedgerFigures | null> {
    try {
      const ledger = await within(ANSWER_WITHIN_MS, readFigures(db.pool));
      isFailing = false;
      return ledger;
    } catch (error) {
      // That the database is away is told by the answer; the logs say it elsewhere.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'figures.failed');
      isFailing = true;
      return null;
    }
  }

  async function read(): Promise<Figures> {
    const sampledAt = new Date();
    // Why the queue does not answer is logged by who has jobs for it.
    const [ledger, queues] = await Promise.all([readLedger(), readQueues().catch(() => null)]);
    return { sampledAt, ledger, queues };
  }

  return shareResult(read, { maxAgeMs });
}

/** Rejects when `work` takes longer: a pool whose connections are all in use makes it wait. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the ledger did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
