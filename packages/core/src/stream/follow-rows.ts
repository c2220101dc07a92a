import { isDatabaseAway } from '../database-away.js';
import type { Database } from '../database.js';
import { idTime, lowestId } from '../id.js';
import type { Log } from '../log.js';
import { LATEST_COMMIT_MS, openNews, readClock } from './news.js';
import type { AnyKey, AnyRow, Source } from './source.js';

export interface Follow<Row, Filter> {
  /** null: all accounts. */
  accountId: string | null;
  /** null: all rows of the account. */
  filter: Filter | null;
  /** The id of the last row that was received; null: only new rows. */
  after: string | null;
  /** Oldest first within one call. */
  onRows(rows: Row[]): void;
  /** The number of skipped rows; null: unknown. */
  onSkipped(count: number | null): void;
}

export interface Follower<Row, Filter> {
  /** Calls back with new rows until it is stopped, each row at least once. Rows after `after` come first. Up to
   *  forty seconds of rows before it are included, because rows may be committed later than their ids were created.
   *  Rows beyond the last ten minutes or a thousand are skipped. Throws if the database fails before the first
   *  callback. `start` is an id before those of all new rows: `after` of a caller that has received none. */
  follow(wanted: Follow<Row, Filter>): Promise<Following>;
  /** Stops permanently: no poll starts after this, and a running one has ended. */
  close(): Promise<void>;
}

export interface Following {
  start: string;
  stop(): void;
}

const EVERY_MS = 1_000;
const MOST_CAUGHT_UP = 1_000;
const OLDEST_MS = 10 * 60 * 1_000;

interface Listener<Row, Filter> extends Follow<Row, Filter> {
  /** Ids after this one are new to the listener. */
  from: string;
  /** Those that it already received. */
  sent: Set<string>;
  /** New rows that wait while it catches up. */
  waiting: (() => void)[] | null;
}

/** Follows the ledger for any number of listeners with one poll per second; without listeners, there is no poll. Uses
 *  the database's clock. */
export function openFollower<Key extends AnyKey, Row extends AnyRow, Filter>(
  { db, log }: { db: Pick<Database, 'pool'>; log: Log },
  source: Source<Key, Row, Filter>,
): Follower<Row, Filter> {
  const listeners = new Set<Listener<Row, Filter>>();
  const news = openNews(db, source);
  let timer: NodeJS.Timeout | undefined;
  let polling: Promise<void> | null = null;
  let isFailing = false;
  let isClosed = false;

  function schedule(): void {
    if (isClosed || timer !== undefined || polling !== null || listeners.size === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      polling = round().finally(() => {
        polling = null;
        schedule();
      });
    }, EVERY_MS);
  }

  async function round(): Promise<void> {
    try {
      const { rows, isCut } = await news.poll(() => accountsOf(listeners));
      for (const listener of listeners) notify(source, listener, { rows, isCut });
      isFailing = false;
    } catch (error) {
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'stream.failed');
      isFailing = true;
    }
  }

  return {
    async follow(wanted) {
      if (isClosed) throw new Error('the follower is closed');
      const now = await readClock(db);
      const from = lowestId(new Date(wanted.after === null ? now : firstToCatchUp(wanted.after, now)));
      const listener: Listener<Row, Filter> = { ...wanted, from, sent: new Set(), waiting: [] };
      if (listeners.size === 0) news.restart(now);
      listeners.add(listener);
      const stop = () => void listeners.delete(listener);
      try {
        if (wanted.after !== null) await catchUp({ db, source }, listener, { after: wanted.after, now });
      } catch (error) {
        stop();
        throw error;
      }
      sendWaiting(listener);
      schedule();
      return { start: lowestId(new Date(now)), stop };
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      listeners.clear();
      await polling;
    },
  };
}

/** Sends a listener the rows that it follows and has not received. If it is catching up, they wait. */
function notify<Key extends AnyKey, Row extends AnyRow, Filter>(
  source: Source<Key, Row, Filter>,
  listener: Listener<Row, Filter>,
  { rows, isCut }: { rows: Row[]; isCut: boolean },
): void {
  const { accountId, filter, from, sent } = listener;
  const wanted = rows.filter(
    (row) =>
      row.id > from &&
      (accountId === null || accountId === row.accountId) &&
      (filter === null || source.matches(filter, row)),
  );
  const send = () => {
    const fresh = wanted.filter(({ id }) => !sent.has(id));
    if (isCut) listener.onSkipped(null);
    if (fresh.length > 0) listener.onRows(fresh);
  };
  if (listener.waiting) listener.waiting.push(send);
  else send();
}

/** Sends a listener the rows after its last one. */
async function catchUp<Key extends AnyKey, Row extends AnyRow, Filter>(
  { db, source }: { db: Pick<Database, 'pool'>; source: Source<Key, Row, Filter> },
  listener: Listener<Row, Filter>,
  { after, now }: { after: string; now: number },
): Promise<void> {
  const { accountId, filter } = listener;
  const accountIds = accountId === null ? null : [accountId];
  const found = await source.find(db, { accountIds, filter, after: listener.from }, MOST_CAUGHT_UP + 1);
  const count = Math.min(MOST_CAUGHT_UP, source.countReadable(found));
  const rows = await source.read(db, found.slice(0, count));
  if (idTime(after).getTime() < now - OLDEST_MS || found.length > count) listener.onSkipped(null);
  for (const { id } of rows) listener.sent.add(id);
  if (rows.length > 0) listener.onRows(rows);
}

/** Sends what arrived while the listener was catching up; from now on, it gets rows at once. */
function sendWaiting(listener: { waiting: (() => void)[] | null }): void {
  const waited = listener.waiting ?? [];
  listener.waiting = null;
  for (const send of waited) send();
}

const firstToCatchUp = (after: string, now: number): number =>
  Math.min(now, Math.max(idTime(after).getTime() - LATEST_COMMIT_MS, now - OLDEST_MS));

/** Returns null if a listener follows all accounts. */
function accountsOf(listeners: Iterable<{ accountId: string | null }>): string[] | null {
  const accounts = new Set<string>();
  for (const { accountId } of listeners) {
    if (accountId === null) return null;
    accounts.add(accountId);
  }
  return [...accounts];
}
