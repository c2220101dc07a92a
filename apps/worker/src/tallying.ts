import { type Database, type Log, tallyReplays } from '@posthorn/core';
import { type Loop, startLoop, whenDue } from './loop.js';

const PACE_MS = 1_000;

/** Updates the counts of replays, every second at most, until it is stopped. */
export const startTallying = ({ db, log }: { db: Pick<Database, 'pool'>; log: Log }): Loop =>
  startLoop({ name: 'replay_counts', log, ...whenDue(PACE_MS), round: async () => void (await tallyReplays(db.pool)) });
