import { advanceReplays, type Database, type Log } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

const EVERY_MS = 1_000;
/** Deliveries per step: this and EVERY_MS limit the pace of a replay. */
const REPLAYED_AT_ONCE = 500;

export interface ReplayingOptions {
  db: Database;
  log: Log;
  observe: (replayed: { which: 'failed' | 'missed'; count: number }) => void;
}

/** Makes a step of each running replay every second, until it is stopped. */
export const startReplaying = ({ db, log, observe }: ReplayingOptions): Loop =>
  startLoop({
    name: 'replays',
    log,
    restMs: EVERY_MS,
    round: async () => void (await advanceReplays(db, { atOnce: REPLAYED_AT_ONCE, observe })),
  });
