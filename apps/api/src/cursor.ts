import { isStorable } from '@posthorn/contract';
import { idTime, type PrefixPage, type SearchPlace, type SuccessPlace, type WaitingPlace } from '@posthorn/core';
import { InvalidRequest } from './errors.js';

/** A cursor is valid for one list only. */
type List =
  | 'accounts'
  | 'accountSearch'
  | 'accountsByWaiting'
  | 'accountsBySuccess'
  | 'keys'
  | 'sessions'
  | 'attention'
  | 'audit'
  | 'eventTypes'
  | 'eventTypeSchemas'
  | 'subscriptions'
  | 'subscriptionSearch'
  | 'subscriptionsByWaiting'
  | 'subscriptionsBySuccess'
  | 'events'
  | 'deliveries'
  | 'replays'
  | 'replayAccounts';

const VERSION = '1';

/** Returns a cursor for the page after the row with this key. Opaque to callers, so that the format can change. */
function writeCursor(list: List, key: string[]): string {
  return Buffer.from(JSON.stringify([VERSION, list, ...key])).toString('base64url');
}

/** Returns the key of a cursor; null without a cursor. Throws InvalidRequest if it is not a cursor of this list. */
function readCursor(list: List, cursor: string | undefined, fits: (key: string[]) => boolean): string[] | null {
  if (cursor === undefined) return null;
  const [version, of, ...key] = parse(cursor);
  if (version === VERSION && of === list && fits(key)) return key;
  throw new InvalidRequest([
    {
      path: 'cursor',
      message: 'must be the unchanged nextCursor of the previous page; omit it for the first page',
    },
  ]);
}

function parse(cursor: string): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) && parts.every((part) => typeof part === 'string') ? parts : [];
  } catch {
    return [];
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** For lists by id, newest first. UUIDv7 sort by time. */
export function beforeId(list: List, cursor: string | undefined): { id?: { lt: string } } {
  const [id] = readCursor(list, cursor, (key) => key.length === 1 && UUID.test(key[0] ?? '')) ?? [];
  return id === undefined ? {} : { id: { lt: id } };
}

/** Returns the range and limit to query for a page of a list by id. The limit includes the extra row that toPage needs. */
export function pageRange(
  list: List,
  {
    limit,
    cursor,
    from,
    to,
  }: { limit: number; cursor?: string | undefined; from?: string | undefined; to?: string | undefined },
): { beforeId: string | undefined; from: Date | undefined; to: Date | undefined; limit: number } {
  return {
    beforeId: beforeId(list, cursor).id?.lt,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
    limit: limit + 1,
  };
}

const isTimeAndName = ([time = '', name = '', ...more]: string[]): boolean =>
  more.length === 0 && Date.parse(time) >= 0 && /^[\x21-\x7e]{1,128}$/.test(name);

const isName = ([name = '', ...more]: string[]): boolean => more.length === 0 && /^[\x21-\x7e]{1,128}$/.test(name);

/** For lists by name, in its order. Returns the name after which the page starts. */
export function afterName(list: List, cursor: string | undefined): string {
  return readCursor(list, cursor, isName)?.[0] ?? '';
}

/** For lists by version, newest first. Returns the version before which the page starts. */
export function beforeVersion(list: List, cursor: string | undefined): number | null {
  const [version] = readCursor(list, cursor, (key) => key.length === 1 && /^[1-9]\d{0,8}$/.test(key[0] ?? '')) ?? [];
  return version === undefined ? null : Number(version);
}

/** For lists by time and name. The name breaks ties. */
export function beforeTime(list: List, cursor: string | undefined): { createdAt: Date; name: string } | null {
  const [time, name] = readCursor(list, cursor, isTimeAndName) ?? [];
  return time === undefined || name === undefined ? null : { createdAt: new Date(time), name };
}

/** For lists by a time that is not the time of the id. The id breaks ties. */
export function beforeTimeAndId(list: List, cursor: string | undefined): { at: Date; id: string } | null {
  const [time, id] = readCursor(list, cursor, (key) => isTimeAndName(key) && UUID.test(key[1] ?? '')) ?? [];
  return time === undefined || id === undefined ? null : { at: new Date(time), id };
}

/** Makes a page of `rows`, which were queried with one more than `limit`: the extra row shows that there is a next page.
 *  Pass `hasMore` if a page may be shorter than `limit`. */
export function toPage<Row, Item>(
  rows: Row[],
  {
    limit,
    hasMore = rows.length > limit,
    list,
    keyOf,
    itemOf,
  }: { limit: number; hasMore?: boolean; list: List; keyOf: (row: Row) => string[]; itemOf: (row: Row) => Item },
): { data: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = hasMore && last !== undefined ? writeCursor(list, keyOf(last)) : null;
  return { data: shown.map(itemOf), nextCursor };
}

/** For searches by prefix. `isId`: whether a text can be the id of a row. */
export function afterPlace(
  list: List,
  { cursor, isId }: { cursor: string | undefined; isId: (id: string) => boolean },
): SearchPlace | null {
  const fits = ([term, id, ...more]: string[]): boolean =>
    more.length === 0 && term !== undefined && isStorable(term) && id !== undefined && isId(id);
  const [term, id] = readCursor(list, cursor, fits) ?? [];
  return term === undefined || id === undefined ? null : { term, id };
}

/** For lists by waiting time. */
export function afterWaiting(
  list: List,
  { cursor, isId }: { cursor: string | undefined; isId: (id: string) => boolean },
): WaitingPlace | null {
  const fits = ([oldestId = '', id = '', ...more]: string[]): boolean =>
    more.length === 0 && (oldestId === '' || UUID.test(oldestId)) && isId(id);
  const [oldestId, id] = readCursor(list, cursor, fits) ?? [];
  return id === undefined ? null : { id, oldestId: oldestId || null };
}

/** For lists by success rate. */
export function afterSuccess(
  list: List,
  { cursor, isId }: { cursor: string | undefined; isId: (id: string) => boolean },
): SuccessPlace | null {
  const fits = ([rate = '', id = '', ...more]: string[]): boolean =>
    more.length === 0 && (rate === '' || (Number(rate) >= 0 && Number(rate) <= 1)) && isId(id);
  const [rate, id] = readCursor(list, cursor, fits) ?? [];
  return id === undefined ? null : { id, rate: rate ? Number(rate) : null };
}

/** A search has an order of its own. */
export function refuseSortedSearch({ q, sort }: { q?: string | undefined; sort?: string | undefined }): void {
  if (q === undefined || sort === undefined) return;
  throw new InvalidRequest([
    { path: 'sort', message: 'cannot be combined with q, which sorts by the matching text: leave one of them out' },
  ]);
}

export const isUuid = (id: string): boolean => UUID.test(id);

/** A page of a search by prefix. `rows`: in any order. */
export function toSearchPage<Row extends { id: string }, Item>(
  { ids, next }: PrefixPage,
  { rows, list, itemOf }: { rows: Row[]; list: List; itemOf: (row: Row) => Item },
): { data: Item[]; nextCursor: string | null } {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return {
    // A row may have been deleted since it was found.
    data: ids.flatMap((id) => byId.get(id) ?? []).map(itemOf),
    nextCursor: next && writeCursor(list, [next.term, next.id]),
  };
}

/** The fields of a page whose search stopped before the page was full: how far back it searched, and the cursor that continues there. */
export const searchedJson = (
  list: List,
  searchedTo: string | null,
): { searchedBackTo: string | null; nextCursor?: string } =>
  searchedTo === null
    ? { searchedBackTo: null }
    : { searchedBackTo: idTime(searchedTo).toISOString(), nextCursor: writeCursor(list, [searchedTo]) };
