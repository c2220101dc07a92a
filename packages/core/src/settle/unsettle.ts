import type pg from 'pg';

// A row of `settlements` says that the pending deliveries of a subscription may not follow its state: settle-step.ts.

/** SQL: the subscriptions that `select` yields have changed their state. They are locked, in order: their rows are locked before their
 *  settlements everywhere. */
export const unsettleAll = (select: string): string => `
  INSERT INTO settlements (subscription_id) ${select}
  ON CONFLICT (subscription_id) DO UPDATE SET changed_at = now(), walk_at = now(), look_at = now(), position = NULL`;

/** Call it in the transaction that changes the state of a subscription. */
export async function unsettle(client: pg.PoolClient, { id }: { id: string }): Promise<void> {
  await client.query(unsettleAll('SELECT $1::uuid AS id'), [id]);
}
