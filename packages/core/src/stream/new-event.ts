import type { Source } from './source.js';

/** An event that an account published. */
export interface NewEvent {
  id: string;
  accountId: string;
  type: string;
  /** The exact bytes that subscriptions receive. */
  body: Buffer;
  createdAt: Date;
}

interface Key {
  id: string;
  accountId: string;
  bytes: number;
}

/** Maximum number of events per read. */
const MOST_READ = 1_000;
/** Maximum size of their bodies together. An event has at most 256 KiB. */
const MOST_BYTES = 4 * 1024 * 1024;

// Uses the primary key. Test events and events without deliveries are suppressed: no subscription would receive them.
const FIND = `
SELECT id, account_id AS "accountId", octet_length(body) AS bytes FROM events
WHERE account_id = ANY ($1::text[]) AND id > $2 AND NOT suppressed
  AND ($3::text[] IS NULL OR type = ANY ($3) OR split_part(type, ':', 1) || ':*' = ANY ($3))
ORDER BY id DESC LIMIT $4`;
const READ = `
SELECT e.id, e.account_id AS "accountId", e.type, e.body, e.created_at AS "createdAt"
FROM unnest($1::text[], $2::uuid[]) AS wanted (account_id, id) JOIN events e ON e.account_id = wanted.account_id AND e.id = wanted.id
ORDER BY e.id`;

/** New events of accounts. The filter: event types and patterns such as `message:*`. Does not follow all accounts together: without
 *  accounts it finds nothing. */
export const NEW_EVENTS: Source<Key, NewEvent, string[]> = {
  async find({ pool }, { accountIds, filter, after }, limit) {
    const { rows } = await pool.query<Key>(FIND, [accountIds ?? [], after, filter, limit]);
    return rows;
  },
  countReadable(found) {
    let bytes = 0;
    const tooMany = found.slice(0, MOST_READ).findIndex((key) => (bytes += key.bytes) > MOST_BYTES);
    return tooMany === -1 ? Math.min(found.length, MOST_READ) : tooMany;
  },
  async read({ pool }, found) {
    if (found.length === 0) return [];
    const keys = [found.map(({ accountId }) => accountId), found.map(({ id }) => id)];
    const { rows } = await pool.query<NewEvent>(READ, keys);
    return rows;
  },
  matches: (types, { type }) => types.includes(type) || types.includes(`${type.split(':', 1)[0]}:*`),
};
