import { idTime } from '@posthorn/core';
import { InvalidRequest } from './errors.js';

/** The lists there are; a cursor of one is none of another. */
type List =
  | 'accounts'
  | 'keys'
  | 'sessions'
  | 'attention'
  | 'audit'
  | 'eventTypes'
  | 'subscriptions'
  | 'events'
  | 'deliveries'
  | 'replays';

const VERSION = '1';

/** Where a page begins: behind the row with this key. Opaque to callers, so that it may change. */
function writeCursor(list: List, key: string[]): string {
  return Buffer.from(JSON.stringify([VERSION, list, ...key])).toString('base64url');
}

/** The key within a cursor; null without one. Throws InvalidRequest for what is no cursor of this list. */
function readCursor(list: List, cursor: string | undefined, fits: (key: string[]) => boolean): string[] | null {
  if (cursor === undefined) return null;
  const [version, of, ...key] = parse(cursor);
  if (version === VERSION && of === list && fits(key)) return key;
  throw new InvalidRequest([
    {
      path: 'cursor',
      message: 'must be the nextCursor of the page before, unchanged; leave it out for the first page',
    },
  ]);
}

function parse(cursor: string): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) && parts.every((part) => typeof part === 'string') ? parts : [];
  } catch {
    return []; // it is refused by whoever asked, with all that is no cursor
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** For lists by id, newest first: UUIDv7 sort by time. */
export function beforeId(list: List, cursor: string | undefined): { id?: { lt: string } } {
  const [id] = readCursor(list, cursor, (key) => key.length === 1 && UUID.test(key[0] ?? '')) ?? [];
  return id === undefined ? {} : { id: { lt: id } };
}

/** What a page of a list by id is to hold, of which one more than `limit` is asked for (toPage). */
export function pageWanted(
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

/** For lists by time whose names others choose; the name decides where times tie. */
export function beforeTime(list: List, cursor: string | undefined): { createdAt: Date; name: string } | null {
  const [time, name] = readCursor(list, cursor, isTimeAndName) ?? [];
  return time === undefined || name === undefined ? null : { createdAt: new Date(time), name };
}

/** For lists by another time than that of an id; the id decides where times tie. */
export function beforeTimeAndId(list: List, cursor: string | undefined): { at: Date; id: string } | null {
  const [time, id] = readCursor(list, cursor, (key) => isTimeAndName(key) && UUID.test(key[1] ?? '')) ?? [];
  return time === undefined || id === undefined ? null : { at: new Date(time), id };
}

/** A page of `rows`, of which one more than `limit` was asked for: so it is known whether there is a next one. Where fewer
 *  than `limit` make a page, `hasMore` says that. */
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

/** What a page says of a search that stopped before the page was full: how far it came, and the cursor that goes on there. */
export const searchedJson = (
  list: List,
  searchedTo: string | null,
): { searchedBackTo: string | null; nextCursor?: string } =>
  searchedTo === null
    ? { searchedBackTo: null }
    : { searchedBackTo: idTime(searchedTo).toISOString(), nextCursor: writeCursor(list, [searchedTo]) };
