import type pg from 'pg';

/** One bounded part of settling a subscription: it looks at deliveries of the subscription in the order of their ids. */
export interface Part {
  subscriptionId: string;
  /** The id behind which it begins. Default: the first. */
  after?: string | null;
  /** How many it looks at, and so changes, at most. Default: ROWS_AT_ONCE. */
  atOnce?: number;
}

export interface Settled {
  /** Where the next part begins; null: this was the last one. */
  position: string | null;
  /** Deliveries that were changed. Those that another statement has locked are passed over. */
  count: number;
}

/** Few enough that a result which is recorded meanwhile, and all the others of its statement, wait for milliseconds, and that no
 *  statement meets its timeout. */
export const ROWS_AT_ONCE = 2_000;

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** SQL: the last columns of a verb's statement, which looks at the rows of `looked` and changes those of `changed`. */
export const SETTLED = `(SELECT id FROM looked ORDER BY id OFFSET $3::int - 1 LIMIT 1) AS position, (SELECT count(*)::int FROM changed) AS count`;

/** Runs a verb's statement. $1: the subscription · $2: the id behind which it begins · $3: how many it looks at. */
export async function runPart(
  pool: pg.Pool,
  text: string,
  { subscriptionId, after, atOnce = ROWS_AT_ONCE }: Part,
): Promise<Settled> {
  const { rows } = await pool.query<Settled>(text, [subscriptionId, after ?? BEFORE_ALL, atOnce]);
  return rows[0] ?? { position: null, count: 0 };
}
