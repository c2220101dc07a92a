import { type Database, type Log, tallyReplays } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

const EVERY_MS = 1_000;

/** Updates the counts of replays every second, until it is stopped. */
export const startTallying = ({ db, log }: { db: Pick<Database, 'pool'>; log: Log }): Loop =>
  startLoop({ name: 'replay_counts', log, restMs: EVERY_MS, round: async () => void (await tallyReplays(db.pool)) });
