import { matchesType } from '../event-types/matches-type.js';
import type { Queryable } from '../search/find-in-payloads.js';

/** matched: the event passes · not_matched: the condition is false · unknown: it is neither true nor false, such as a comparison of
 *  a text with a number, so the event does not pass · not_comparable: Postgres cannot read the payload, so the event passes. */
export type FilterOutcome = 'matched' | 'not_matched' | 'unknown' | 'not_comparable';

export interface TestedEvent {
  id: string;
  type: string;
  createdAt: Date;
  outcome: FilterOutcome;
}

export interface FilterTest {
  /** Newest first. */
  events: TestedEvent[];
  /** Of the filter's paths: those that no tested event has. */
  missingPaths: string[];
}

interface Test {
  accountId: string;
  /** A filter that whyNotFilter accepts. */
  filter: string;
  /** The paths that it refers to. */
  paths: string[];
  /** As those of a subscription; empty: all. */
  eventTypes: string[];
  limit: number;
}

/** Events that are searched for those of the types. */
const MOST_SEARCHED = 1_000;
const MOST_BYTES = 4 * 1024 * 1024;

/** Evaluates a filter for the newest events of an account that have a payload: at most `limit`, among the newest 1,000, and as
 *  many as fit into 4 MiB. Uses the key of events. */
export async function testFilter(client: Queryable, test: Test): Promise<FilterTest> {
  const { accountId, filter, paths, eventTypes, limit } = test;
  const { rows } = await client.query<FilterTest>({
    name: 'test-filter',
    text: `
      WITH newest AS MATERIALIZED (
        SELECT id, type, created_at, octet_length(body) AS bytes FROM events WHERE account_id = $1 ORDER BY account_id DESC, id DESC LIMIT ${MOST_SEARCHED}
      ),
      wanted AS MATERIALIZED (
        SELECT * FROM (
          SELECT e.*, sum(bytes) OVER (ORDER BY e.id DESC) AS total
          FROM newest e CROSS JOIN (SELECT $4::text[] AS events) s WHERE e.bytes > 0 AND ${matchesType('e.type')}
        ) e WHERE total <= ${MOST_BYTES} ORDER BY id DESC LIMIT $5
      ),
      read AS MATERIALIZED (
        SELECT w.id, w.type, w.created_at, e.payload FROM wanted w CROSS JOIN LATERAL (
          SELECT posthorn_payload(body) AS payload FROM events WHERE account_id = $1 AND id = w.id OFFSET 0
        ) e
      ),
      tested AS (
        SELECT id, type, created_at, CASE
          WHEN payload IS NULL THEN 'not_comparable'
          ELSE CASE payload @@ $2::text::jsonpath WHEN true THEN 'matched' WHEN false THEN 'not_matched' ELSE 'unknown' END
        END AS outcome
        FROM read
      )
      SELECT
        coalesce((SELECT json_agg(json_build_object('id', id, 'type', type, 'createdAt', created_at, 'outcome', outcome) ORDER BY id DESC) FROM tested), '[]') AS events,
        ARRAY(
          SELECT path FROM unnest($3::text[]) WITH ORDINALITY AS p (path, place)
          WHERE EXISTS (SELECT FROM read WHERE payload IS NOT NULL)
            AND NOT EXISTS (SELECT FROM read WHERE jsonb_path_exists(payload, p.path::jsonpath, '{}', true) OFFSET 0)
          ORDER BY place
        ) AS "missingPaths"`,
    values: [accountId, filter, paths, eventTypes, limit],
  });
  const { events = [], missingPaths = [] } = rows[0] ?? {};
  return { missingPaths, events: events.map((event) => ({ ...event, createdAt: new Date(event.createdAt) })) };
}
