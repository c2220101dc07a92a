import type { Deps } from '../deps.js';
import type { StateChange } from './queue-emails.js';

/** Minutes after each attempt. Eight attempts in 1.7 days. Each wait is also the lease of its attempt. */
const WAITS_MINUTES = [1, 5, 15, 60, 240, 720, 1440, 1440];
export const MAX_EMAIL_ATTEMPTS = WAITS_MINUTES.length;

export type DueEmail = {
  id: string;
  accountId: string;
  address: string;
  token: string;
  /** Number of the attempt that is due, from 1. */
  attemptNumber: number;
} & ({ kind: 'confirm' } | ({ kind: StateChange['kind'] } & { detail: Omit<StateChange, 'kind' | 'accountId'> }));

// Uses pending_emails_due_at_idx. SKIP LOCKED: any number of workers may run it.
const TAKE = `
UPDATE pending_emails e SET attempt_count = e.attempt_count + 1,
  due_at = now() + coalesce((ARRAY[${WAITS_MINUTES.join()}])[e.attempt_count + 1], 1440) * interval '1 minute'
FROM email_recipients r
WHERE r.id = e.recipient_id AND e.id = ANY (ARRAY(
  SELECT id FROM pending_emails WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
))
RETURNING e.id, r.account_id AS "accountId", r.address, r.token, e.kind, e.detail, e.attempt_count AS "attemptNumber"`;

/** Leases due emails. Each one is due again after its wait, so no email is lost if a worker dies while it sends. `dropEmail` ends those
 *  that were sent. */
export async function takeEmails({ db }: Pick<Deps, 'db'>, { limit }: { limit: number }): Promise<DueEmail[]> {
  const { rows } = await db.pool.query<DueEmail>({ name: 'take-emails', text: TAKE, values: [limit] });
  return rows;
}

/** Deletes an email that was sent or will never be sent. */
export async function dropEmail({ db }: Pick<Deps, 'db'>, { id }: { id: string }): Promise<void> {
  await db.pool.query('DELETE FROM pending_emails WHERE id = $1', [id]);
}
