import { isDatabaseAway } from '../database-away.js';
import type { Database } from '../database.js';
import { idTime, lowestId } from '../id.js';
import type { Log } from '../log.js';
import { type Change, type ChangeId, findChanges, readChanges } from './change.js';
import { LATEST_COMMIT_MS, openNews, readClock } from './news.js';

export interface Follow {
  /** null: all accounts. */
  accountId: string | null;
  /** null: all subscriptions. */
  subscriptionIds: string[] | null;
  /** The id of the last row that was received; null: only new rows. */
  after: string | null;
  /** Oldest first within one call. */
  onChanges(changes: Change[]): void;
  /** The number of skipped rows; null: unknown. */
  onSkipped(count: number | null): void;
}

export interface Follower {
  /** Calls back with new rows until it is stopped, each row at least once. Rows after `after` come first. Up to
   *  forty seconds of rows before it are included, because rows may be committed later than their ids were created.
   *  Rows beyond the last ten minutes or a thousand are skipped. Throws if the database fails before the first
   *  callback. */
  follow(wanted: Follow): Promise<{ stop(): void }>;
  /** Stops permanently: no poll starts after this, and a running one has ended. */
  close(): Promise<void>;
}

const EVERY_MS = 1_000;
const MOST_CAUGHT_UP = 1_000;
const OLDEST_MS = 10 * 60 * 1_000;

interface Listener extends Follow {
  /** Ids after this one are new to the listener. */
  from: string;
  /** Those that it already received. */
  sent: Set<string>;
  /** New rows that wait while it catches up. */
  waiting: (() => void)[] | null;
}

/** Follows the ledger for any number of listeners with one poll per second; without listeners, there is no poll. Uses
 *  the database's clock. */
export function openFollower({ db, log }: { db: Pick<Database, 'pool'>; log: Log }): Follower {
  const listeners = new Set<Listener>();
  const news = openNews(db);
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
      const { changes, isCut } = await news.poll(() => accountsOf(listeners));
      for (const listener of listeners) notify(listener, changes, isCut);
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
      const listener: Listener = { ...wanted, from, sent: new Set(), waiting: [] };
      if (listeners.size === 0) news.restart(now);
      listeners.add(listener);
      const stop = () => void listeners.delete(listener);
      try {
        if (wanted.after !== null) await catchUp(db, listener, { after: wanted.after, now });
      } catch (error) {
        stop();
        throw error;
      }
      const waited = listener.waiting ?? [];
      listener.waiting = null;
      for (const send of waited) send();
      schedule();
      return { stop };
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      listeners.clear();
      await polling;
    },
  };
}

/** Sends a listener the changes that it follows and has not received. If it is catching up, they wait. */
function notify(listener: Listener, changes: Change[], isCut: boolean): void {
  const wanted = changes.filter((change) => isFor(listener, change));
  const send = () => {
    const news = wanted.filter(({ id }) => !listener.sent.has(id));
    if (isCut) listener.onSkipped(null);
    if (news.length > 0) listener.onChanges(news);
  };
  if (listener.waiting) listener.waiting.push(send);
  else send();
}

/** Sends a listener the rows after its last one. */
async function catchUp(
  db: Pick<Database, 'pool'>,
  listener: Listener,
  { after, now }: { after: string; now: number },
): Promise<void> {
  const { accountId, subscriptionIds } = listener;
  const seenAt = idTime(after).getTime();
  const accountIds = accountId === null ? null : [accountId];
  const filter = { accountIds, subscriptionIds, after: listener.from };
  const found: ChangeId[] = await findChanges(db, filter, MOST_CAUGHT_UP + 1);
  const changes = await readChanges(db, found.slice(0, MOST_CAUGHT_UP));
  if (seenAt < now - OLDEST_MS || found.length > MOST_CAUGHT_UP) listener.onSkipped(null);
  for (const { id } of changes) listener.sent.add(id);
  if (changes.length > 0) listener.onChanges(changes);
}

const firstToCatchUp = (after: string, now: number): number =>
  Math.min(now, Math.max(idTime(after).getTime() - LATEST_COMMIT_MS, now - OLDEST_MS));

/** Returns null if a listener follows all accounts. */
function accountsOf(listeners: Set<Listener>): string[] | null {
  const accounts = new Set<string>();
  for (const { accountId } of listeners) {
    if (accountId === null) return null;
    accounts.add(accountId);
  }
  return [...accounts];
}

const isFor = ({ accountId, subscriptionIds, from }: Listener, change: Change): boolean =>
  change.id > from &&
  (accountId === null || accountId === change.accountId) &&
  (subscriptionIds === null || subscriptionIds.includes(change.subscriptionId));
