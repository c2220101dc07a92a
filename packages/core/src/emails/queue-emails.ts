import type pg from 'pg';
import { type Columns, unnest, valuesOf } from '../unnest.js';

/** The content of an email about the new state of a webhook. */
export interface StateChange {
  kind: 'subscription:failing' | 'subscription:disabled' | 'subscription:recovered';
  accountId: string;
  /** Host of its URL. */
  host: string;
  reason: string | null;
  /** Times are ISO 8601. */
  failingSince: string | null;
  at: string;
}

const CHANGE: Columns<StateChange> = {
  kind: ['text', ({ kind }) => kind],
  account_id: ['text', ({ accountId }) => accountId],
  detail: ['json', ({ host, reason, failingSince, at }) => JSON.stringify({ host, reason, failingSince, at })],
};

// Uses email_recipients_account_id_address_key.
const QUEUE = `
INSERT INTO pending_emails (id, recipient_id, kind, detail)
SELECT posthorn_uuidv7(), r.id, c.kind, c.detail
FROM ${unnest(CHANGE, { alias: 'c', first: 1 })}
JOIN email_recipients r ON r.account_id = c.account_id AND r.confirmed_at IS NOT NULL AND r.removed_at IS NULL`;

/** Adds one email per change and confirmed recipient, in the caller's transaction. */
export async function queueEmails(client: pg.PoolClient, changes: StateChange[]): Promise<void> {
  if (changes.length === 0) return;
  await client.query(QUEUE, valuesOf(CHANGE, changes));
}
