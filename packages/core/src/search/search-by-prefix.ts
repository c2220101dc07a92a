import type pg from 'pg';
import type { IdRange, Param } from '../newest-first.js';

/** A position in the results of a search: after this text and, among rows with this text, after this id. */
export interface SearchPlace {
  term: string;
  id: string;
}

export interface PrefixPage {
  /** In the order of the matching texts. */
  ids: string[];
  /** Where the next page starts; null: this is the last page. */
  next: SearchPlace | null;
}

interface Wanted {
  /** The prefix. Case-insensitive. */
  text: string;
  /** null: the first page. */
  after: SearchPlace | null;
  limit: number;
}

/** Number of characters that an index contains. A longer search compares the rest in the rows that the index found. */
const INDEXED = 100;
/** A page reads at most this many entries per row that it may list. */
const MOST_ENTRIES = 2;
/** Sorts after every text with the same prefix. */
const LAST = '\u{10FFFF}';
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** A text that the rows are searched by. The index of `columns` must have the order `(…columns, key, id)`. */
interface Source {
  /** SQL: the whole text. */
  text: string;
  /** SQL: the expression of the index. */
  key: string;
  /** SQL: what the text must begin with. */
  prefix: string;
}

/** The form of `text` in the index. It must equal the expression in the migration. Compares bytes, so that a prefix is a range. */
const keyOf = (text: string): string => `lower(left(${text}, ${INDEXED})) COLLATE "C"`;
const beginsSo = ({ text, prefix }: Source): string => `starts_with(lower(${text}), lower(${prefix}))`;

/** Returns a page of the accounts whose id or name begins with the text. Uses accounts_id_search_idx and accounts_name_search_idx. */
export function searchAccounts(pool: pg.Pool, { text, after, limit }: Wanted): Promise<PrefixPage> {
  return searchPage(pool, { limit }, (param) => {
    const prefix = param(text);
    const sources = ['d.id', 'd.name'].map((column) => ({ text: column, key: keyOf(column), prefix }));
    return sources.map((source, rank) =>
      selectEntries(source, {
        table: 'accounts',
        columns: {},
        after: { term: param(after?.term ?? null), id: param(after?.id ?? '') },
        last: param(LAST),
        isShown: [beginsSo(source), ...sources.slice(0, rank).map((earlier) => `NOT ${beginsSo(earlier)}`)],
        limit,
      }),
    );
  });
}

export interface WantedSubscriptions extends Wanted {
  /** null: of all accounts. */
  accountId: string | null;
  /** The ids that `text` is the beginning of. Then only ids are searched. */
  ids: IdRange | null;
  statuses?: string[] | undefined;
}

const IS_OF_LIVE_ACCOUNT = 'EXISTS (SELECT FROM accounts a WHERE a.id = d.account_id AND a.deleted_at IS NULL)';
const SCHEME = /^https?:\/{0,2}/i;

/** Returns a page of the subscriptions whose URL (with or without https://) or description begins with the text, or those with an id
 *  in a range. Uses the four subscriptions_…_search_idx; for ids, the key or subscriptions_account_id_id_live_idx. */
export function searchSubscriptions(
  pool: pg.Pool,
  { accountId, text, ids, statuses, after, limit }: WantedSubscriptions,
): Promise<PrefixPage> {
  return searchPage(pool, { limit }, (param) => {
    const isWanted = [
      ...(accountId === null ? [IS_OF_LIVE_ACCOUNT] : []),
      ...(statuses ? [`d.status::text = ANY (${param(statuses)}::text[])`] : []),
    ];
    const columns: Record<string, string> = accountId === null ? {} : { 'd.account_id': param(accountId) };
    if (ids) {
      const place = { from: param(ids.from), before: param(ids.before), after: param(after?.id ?? FIRST_ID) };
      return [selectIds(place, { columns, isShown: ['d.deleted_at IS NULL', ...isWanted], limit })];
    }
    const url = `regexp_replace(d.url, '^https?://', '')`;
    const sources = [
      { text: url, prefix: param(text.replace(SCHEME, '')) },
      { text: 'd.description', prefix: param(text) },
    ].map((source) => ({ ...source, key: keyOf(source.text) }));
    return sources.map((source, rank) =>
      selectEntries(source, {
        table: 'subscriptions',
        columns,
        after: { term: param(after?.term ?? null), id: `${param(after?.id ?? FIRST_ID)}::uuid` },
        last: param(LAST),
        isShown: [
          beginsSo(source),
          ...sources.slice(0, rank).map((earlier) => `NOT ${beginsSo(earlier)}`),
          ...isWanted,
        ],
        limit,
      }),
    );
  });
}

interface Selecting {
  /** Columns that the index has before the key, with their values. */
  columns: Record<string, string>;
  /** Conditions on a row that an entry leads to. An entry without them counts as read, but is not listed. */
  isShown: string[];
  limit: number;
}

/** SQL: entries of a source from a place on, in the order of its index. It reads no more entries than it returns, however many rows
 *  match or do not: what the index cannot check is only reported. */
function selectEntries(
  { key, prefix }: Source,
  {
    table,
    columns,
    after,
    last,
    isShown,
    limit,
  }: Selecting & { table: 'accounts' | 'subscriptions'; after: { term: string; id: string }; last: string },
): string {
  const from = `lower(left(${prefix}, ${INDEXED}))`;
  const names = Object.keys(columns);
  const row = (...values: string[]) => `(${[...Object.values(columns), ...values].join(', ')})`;
  const order = [...names, key, 'd.id'].join(', ');
  return `(SELECT ${key} AS term, d.id, ${isShown.join(' AND ')} AS is_shown FROM ${table} d
    WHERE d.deleted_at IS NULL AND (${order}) > ${row(`coalesce(${after.term}::text, ${from})`, after.id)}
      AND (${[...names, key].join(', ')}) < ${row(`${from} || ${last}::text`)}
    ORDER BY ${order} LIMIT ${entriesOf(limit)})`;
}

/** SQL: the same for ids. */
function selectIds(
  { from, before, after }: { from: string; before: string; after: string },
  { columns, isShown, limit }: Selecting,
): string {
  const row = (id: string) => `(${[...Object.values(columns), id].join(', ')})`;
  const order = [...Object.keys(columns), 'd.id'].join(', ');
  return `(SELECT '' COLLATE "C" AS term, d.id, ${isShown.join(' AND ')} AS is_shown FROM subscriptions d
    WHERE (${order}) > ${row(`${after}::uuid`)} AND (${order}) >= ${row(`${from}::uuid`)} AND (${order}) < ${row(`${before}::uuid`)}
    ORDER BY ${order} LIMIT ${entriesOf(limit)})`;
}

/** One more than a page may read: it shows that there is a next page. */
const entriesOf = (limit: number): number => limit * MOST_ENTRIES + 1;

interface Entry extends SearchPlace {
  isShown: boolean;
}

/** Merges entries to a page. A row that matches twice has two entries, of which one is listed. So a page may have fewer rows than its
 *  limit, and still a next page. */
async function searchPage(
  pool: pg.Pool,
  { limit }: { limit: number },
  select: (param: Param) => string[],
): Promise<PrefixPage> {
  const values: unknown[] = [];
  const sources = select((value) => `$${values.push(value)}`);
  const { rows } = await pool.query<Entry>(
    `SELECT term, id::text AS id, is_shown AS "isShown" FROM (${sources.join(' UNION ALL ')}) e
     ORDER BY e.term, e.id, e.is_shown DESC LIMIT ${entriesOf(limit)}`,
    values,
  );
  const ids: string[] = [];
  const end = rows.findIndex(({ id, isShown }, index) => {
    if (isShown) ids.push(id);
    return ids.length === limit || index + 1 === limit * MOST_ENTRIES;
  });
  const last = end === -1 || end + 1 >= rows.length ? undefined : rows[end];
  return { ids, next: last ? { term: last.term, id: last.id } : null };
}
