import type pg from 'pg';

// A row of `settlements` says that deliveries of a subscription may not have followed its state yet (settle-step.ts).

/** SQL: marks the subscriptions of `select` as changed. Lock their rows first and in order: everywhere,
 *  subscriptions are locked before settlements. */
export const unsettleAll = (select: string): string => `
  INSERT INTO settlements (subscription_id) ${select}
  ON CONFLICT (subscription_id) DO UPDATE SET changed_at = now(), walk_at = now(), due_at = now(), position = NULL`;

/** Call it in the transaction that changes the state of a subscription. */
export async function unsettle(client: pg.PoolClient, { id }: { id: string }): Promise<void> {
  await client.query(unsettleAll('SELECT $1::uuid AS id'), [id]);
}
