import { randomBytes } from 'node:crypto';
import { inAccount } from '../accounts/in-account.js';
import type { Deps } from '../deps.js';
import { newId } from '../id.js';

// The life of a recipient.
//
//   unconfirmed   an account adds the address: it gets one email, with a link
//   confirmed     the link was used: it gets an email for each change of state of a webhook
//   removed       by the account, or by the link in an email; after a day the account may add it again

export interface EmailRecipient {
  id: string;
  address: string;
  createdAt: Date;
  confirmedAt: Date | null;
}

export type AddRecipientResult =
  | { outcome: 'added'; recipient: EmailRecipient }
  | { outcome: 'exists'; recipient: EmailRecipient }
  | { outcome: 'account_unknown' }
  /** The account has reached its limit, which includes addresses that were removed within the last day. */
  | { outcome: 'too_many'; most: number }
  | { outcome: 'removed_recently' };

const MAX_RECIPIENTS = 20;

interface Row extends EmailRecipient {
  isRemoved: boolean;
}

/** Adds an address and its confirmation email in one transaction. Safe to repeat. */
export async function addRecipient(
  { db }: Pick<Deps, 'db'>,
  { accountId, address }: { accountId: string; address: string },
): Promise<AddRecipientResult> {
  // Locks the account, so that concurrent requests do not exceed the limit.
  const added = await inAccount<AddRecipientResult>(db.pool, accountId, async (client) => {
    await client.query(`DELETE FROM email_recipients WHERE account_id = $1 AND removed_at < now() - interval '1 day'`, [
      accountId,
    ]);
    const { rows } = await client.query<Row>(
      `SELECT id, address, created_at AS "createdAt", confirmed_at AS "confirmedAt", removed_at IS NOT NULL AS "isRemoved"
       FROM email_recipients WHERE account_id = $1`,
      [accountId],
    );
    const same = rows.find((row) => row.address === address);
    if (same?.isRemoved) return { outcome: 'removed_recently' };
    if (same) return { outcome: 'exists', recipient: same };
    if (rows.length >= MAX_RECIPIENTS) return { outcome: 'too_many', most: MAX_RECIPIENTS };
    const id = newId();
    const inserted = await client.query<EmailRecipient>(
      `INSERT INTO email_recipients (id, account_id, address, token) VALUES ($1, $2, $3, $4)
       RETURNING id, address, created_at AS "createdAt", confirmed_at AS "confirmedAt"`,
      [id, accountId, address, randomBytes(32).toString('base64url')],
    );
    const [recipient] = inserted.rows;
    if (!recipient) throw new Error('unreachable: an INSERT of one row returned none');
    await client.query(`INSERT INTO pending_emails (id, recipient_id, kind) VALUES ($1, $2, 'confirm')`, [newId(), id]);
    return { outcome: 'added', recipient };
  });
  return added ?? { outcome: 'account_unknown' };
}

/** The addresses of an account, oldest first. */
export async function listRecipients({ db }: Pick<Deps, 'db'>, accountId: string): Promise<EmailRecipient[]> {
  return db.prisma.emailRecipient.findMany({
    where: { accountId, removedAt: null },
    orderBy: { id: 'asc' },
    select: { id: true, address: true, createdAt: true, confirmedAt: true },
  });
}

const REMOVE = `
WITH removed AS (
  UPDATE email_recipients SET removed_at = now() WHERE removed_at IS NULL AND`;
const DROP_EMAILS = `RETURNING id
), dropped AS (
  DELETE FROM pending_emails WHERE recipient_id IN (SELECT id FROM removed)
)
SELECT count(*)::int AS count FROM removed`;

/** Removes an address and its unsent emails. Returns false if the account does not have it. */
export async function removeRecipient(
  { db }: Pick<Deps, 'db'>,
  { accountId, id }: { accountId: string; id: string },
): Promise<boolean> {
  const { rows } = await db.pool.query<{ count: number }>(`${REMOVE} account_id = $1 AND id = $2 ${DROP_EMAILS}`, [
    accountId,
    id,
  ]);
  return rows[0]?.count === 1;
}

/** Removes the address that a token of an email belongs to. Returns false if the token is unknown. Safe to repeat. */
export async function unsubscribeEmails({ db }: Pick<Deps, 'db'>, token: string): Promise<boolean> {
  await db.pool.query(`${REMOVE} token = $1 ${DROP_EMAILS}`, [token]);
  return (await db.prisma.emailRecipient.count({ where: { token } })) > 0;
}

/** Confirms an address with the token of an email. Returns false if the token is unknown or its address was unsubscribed. Safe to repeat. */
export async function confirmEmails({ db }: Pick<Deps, 'db'>, token: string): Promise<boolean> {
  const { rowCount } = await db.pool.query(
    `UPDATE email_recipients SET confirmed_at = coalesce(confirmed_at, now()) WHERE token = $1 AND removed_at IS NULL`,
    [token],
  );
  return rowCount === 1;
}
