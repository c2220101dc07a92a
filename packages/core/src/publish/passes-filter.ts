import type { Queryable } from '../search/find-in-payloads.js';

// The filter of a subscription is a condition on the payloads of its events (contract/payload-filter.ts). The SQL functions
// `posthorn_payload` and `posthorn_passes` of the migrations evaluate it.
//
// payload                                            filter is true   false or unknown
// JSON                                               passes           does not pass
// JSON with \u0000 or half of a surrogate pair       compared with U+FFFD instead
// cannot be read by Postgres (a number over 1e131072) passes: it is better to send too much than to lose an event

/** Maximum number of subscriptions of an account with a filter. The slowest filter takes an estimated 0.1 s for the largest payload.
 *  So all of them delay the publishes of the same statement by an estimated 2.5 s. */
export const MAX_FILTERS = 25;

/** Returns whether the account may have a filter in addition to those of its other subscriptions. Uses
 *  subscriptions_filtered_idx. */
export async function hasRoomForFilter(
  client: Queryable,
  { accountId, id }: { accountId: string; id: string },
): Promise<boolean> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM subscriptions
     WHERE account_id = $1 AND filter IS NOT NULL AND deleted_at IS NULL AND id <> $2`,
    [accountId, id],
  );
  return (rows[0]?.count ?? 0) < MAX_FILTERS;
}

/** SQL: an account has subscriptions with a filter. Uses subscriptions_filtered_idx. OFFSET 0 forces one probe per account. */
export const hasFilters = (accountId: string): string =>
  `EXISTS (SELECT FROM subscriptions f WHERE f.account_id = ${accountId} AND f.filter IS NOT NULL AND f.deleted_at IS NULL OFFSET 0)`;

/** SQL: the subscription `s` has no filter, or the payload of the event passes it. `payloads` is a CTE of
 *  (event_id, payload): Postgres evaluates it only when the first filter needs it, so that others pay nothing. */
export const passesFilter = (eventId: string): string =>
  `(s.filter IS NULL OR (SELECT posthorn_passes(p.payload, s.filter) FROM payloads p WHERE p.event_id = ${eventId}))`;

/** SQL: the same for a body that no CTE has read. */
export const bodyPassesFilter = (body: string): string =>
  `(s.filter IS NULL OR posthorn_passes(posthorn_payload(${body}), s.filter))`;

/** Returns why Postgres does not accept a filter; null: it does. The contract has checked it before, so this finds only
 *  what that check does not know. */
export async function whyNotFilter(client: Queryable, filter: string): Promise<string | null> {
  try {
    await client.query({ name: 'check-filter', text: 'SELECT $1::text::jsonpath IS NOT NULL', values: [filter] });
    return null;
  } catch (error) {
    if (isRefusal(error)) return error.message;
    throw error;
  }
}

/** Data exceptions, syntax errors, unsupported features and exceeded limits of Postgres. */
const REFUSALS = /^(22|42601|0A|54)/;

const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && REFUSALS.test(String(error.code));
