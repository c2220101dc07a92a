import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { newId } from '../id.js';
import { newSecret } from '../secrets/new-secret.js';
import { type SubscriptionKey, lockSubscription } from './subscription.js';

export interface Secrets {
  /** `whsec_…`: the current secret, to verify with. */
  secret: string;
  /** Earlier secrets, which also sign until they expire. */
  previous: { secret: string; expiresAt: Date }[];
}

/** Returns the valid secrets of a subscription; null if the account has no such subscription. */
export async function readSecrets(
  { db, cipher }: Pick<Deps, 'db' | 'cipher'>,
  { accountId, id }: SubscriptionKey,
): Promise<Secrets | null> {
  const { rows } = await db.pool.query<{ sealed: Buffer; expiresAt: Date | null }>(
    `SELECT k.sealed, k.expires_at AS "expiresAt" FROM secrets k JOIN subscriptions s ON s.id = k.subscription_id
     WHERE s.account_id = $1 AND s.id = $2 AND s.deleted_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
     ORDER BY k.expires_at DESC NULLS FIRST`,
    [accountId, id],
  );
  const [current, ...previous] = rows.map(({ sealed, expiresAt }) => ({
    secret: cipher.open(sealed, `secret:${id}`),
    expiresAt,
  }));
  if (!current) return null;
  return {
    secret: current.secret,
    previous: previous.map(({ secret, expiresAt }) => ({ secret, expiresAt: expiresAt as Date })),
  };
}

const MOST_SECRETS = 10; // each secret adds a signature to every request

/** Creates a new secret, which signs from the next attempt on. The previous one also signs for `overlapSeconds` (0:
 *  no longer). After many rotations within the overlap, the ten newest secrets are kept. Returns null if the
 *  subscription does not exist. */
export async function rotateSecret(
  deps: Pick<Deps, 'db' | 'cipher'>,
  { accountId, id, overlapSeconds }: SubscriptionKey & { overlapSeconds: number },
): Promise<Secrets | null> {
  const { db, cipher } = deps;
  const found = await inTransaction(db.pool, async (client) => {
    if (!(await lockSubscription(client, { accountId, id }))) return false;
    await client.query(
      `UPDATE secrets SET expires_at = now() + make_interval(secs => $2) WHERE subscription_id = $1 AND expires_at IS NULL`,
      [id, overlapSeconds],
    );
    await client.query('INSERT INTO secrets (id, subscription_id, key_id, sealed) VALUES ($1, $2, $3, $4)', [
      newId(),
      id,
      cipher.keyId,
      cipher.seal(newSecret(), `secret:${id}`),
    ]);
    await client.query(
      `DELETE FROM secrets WHERE subscription_id = $1 AND (expires_at <= now() OR id NOT IN
         (SELECT id FROM secrets WHERE subscription_id = $1 ORDER BY id DESC LIMIT ${MOST_SECRETS}))`,
      [id],
    );
    return true;
  });
  return found ? readSecrets(deps, { accountId, id }) : null;
}
