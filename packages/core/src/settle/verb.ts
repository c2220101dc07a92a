import type pg from 'pg';

/** One bounded part of settling a subscription. It looks at deliveries in the order of their ids. */
export interface Part {
  subscriptionId: string;
  /** Starts after this id. Default: the first delivery. */
  after?: string | null;
  /** How many deliveries it looks at, and thus changes, at most. Default: ROWS_AT_ONCE. */
  atOnce?: number;
}

export interface Settled {
  /** The `after` of the next part; null: this was the last one. */
  position: string | null;
  /** Deliveries that were changed. Locked ones are skipped. */
  count: number;
}

/** Small enough that attempts recorded meanwhile wait for milliseconds only, and that the statement ends before its
 *  timeout. */
export const ROWS_AT_ONCE = 2_000;

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** SQL: the result columns of a verb's statement. `scanned` are the rows it looks at, `changed` those it changes. */
export const SETTLED = `(SELECT id FROM scanned ORDER BY id OFFSET $3::int - 1 LIMIT 1) AS position, (SELECT count(*)::int FROM changed) AS count`;

/** Runs a verb's statement. $1: the subscription · $2: starts after this id · $3: how many deliveries it looks at. */
export async function runPart(
  pool: pg.Pool,
  text: string,
  { subscriptionId, after, atOnce = ROWS_AT_ONCE }: Part,
): Promise<Settled> {
  const { rows } = await pool.query<Settled>(text, [subscriptionId, after ?? BEFORE_ALL, atOnce]);
  return rows[0] ?? { position: null, count: 0 };
}
