import { advanceReplays, type Database, type Log } from '@posthorn/core';
import { type Loop, startLoop, whenDue } from './loop.js';

const PACE_MS = 1_000;
/** Deliveries per step: this and PACE_MS limit the pace of a replay. */
const REPLAYED_AT_ONCE = 500;

export interface ReplayingOptions {
  db: Database;
  log: Log;
  observe: (replayed: { which: 'failed' | 'missed'; count: number }) => void;
}

/** Makes a step of each running replay, one per second at most, until it is stopped. */
export const startReplaying = ({ db, log, observe }: ReplayingOptions): Loop =>
  startLoop({
    name: 'replays',
    log,
    ...whenDue(PACE_MS),
    round: async () => void (await advanceReplays(db, { atOnce: REPLAYED_AT_ONCE, observe })),
  });
