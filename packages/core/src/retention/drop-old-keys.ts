import type pg from 'pg';
import { deleteInSteps } from '../delete-in-steps.js';
import { firstIdAt } from './partitions.js';

const HOUR_MS = 60 * 60 * 1_000;
const KEY_LIFETIME_MS = 24 * HOUR_MS;
/** Longer than the lifetime of a key, because a repeated publish reads the fan-out. */
const FAN_OUT_KEPT_MS = KEY_LIFETIME_MS + HOUR_MS;

/** Deletes idempotency keys that are older than 24 hours. Returns how many. Uses idempotency_keys_created_at_idx. */
export function dropOldKeys(client: pg.ClientBase, at: Date, signal: AbortSignal): Promise<number> {
  const until = new Date(at.getTime() - KEY_LIFETIME_MS);
  return deleteInSteps(client, { table: 'idempotency_keys', where: 'created_at < $1', values: [until] }, signal);
}

/** Deletes complete fan-outs 25 hours after their event. Returns how many. Uses the key of fan_outs. */
export function dropOldFanOuts(client: pg.ClientBase, at: Date, signal: AbortSignal): Promise<number> {
  const until = firstIdAt(at.getTime() - FAN_OUT_KEPT_MS);
  const where = 'event_id < $1 AND completed_at IS NOT NULL';
  return deleteInSteps(client, { table: 'fan_outs', where, values: [until] }, signal);
}
