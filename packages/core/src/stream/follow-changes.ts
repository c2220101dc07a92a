import { isDatabaseAway } from '../database-away.js';
import type { Database } from '../database.js';
import { idTime, lowestId } from '../id.js';
import type { Log } from '../log.js';
import { type Change, type ChangeId, lookForChanges, readChanges } from './change.js';

export interface Follow {
  /** null: all accounts. */
  accountId: string | null;
  /** null: all subscriptions. */
  subscriptionIds: string[] | null;
  /** The last one that was seen; null: only what comes from now on. */
  after: string | null;
  /** Oldest first within one call. */
  onChanges(changes: Change[]): void;
  /** So many more there were; null: nobody counted them. */
  onSkipped(count: number | null): void;
}

export interface Follower {
  /** Calls back with what is new, until it is stopped. What came after `after` comes first, and with it up to forty seconds of
   *  what was before, since rows may appear later than their ids were made: each row at least once. Beyond the last ten
   *  minutes, or a thousand, it is skipped. Throws when the database does, before anything was called back. */
  follow(wanted: Follow): Promise<{ stop(): void }>;
  /** Ends for good: no look begins after this, and one under way has ended. */
  close(): Promise<void>;
}

const EVERY_MS = 1_000;
/** Most rows are there within moments of when their id was made: each look goes back so far. */
const LOOK_BACK_MS = 2_000;
/** And now and then so far: a statement has ended after 30 s, and clocks of processes differ. */
const LATEST_COMMIT_MS = 40_000;
const LOOK_FAR_EVERY_MS = 10_000;
/** Ids in one look; more than there are within the last seconds at any rate that we reach. */
const MOST_LOOKED_AT = 50_000;
/** Rows that one look brings. */
const MOST_READ = 2_000;
const MOST_CAUGHT_UP = 1_000;
const OLDEST_MS = 10 * 60 * 1_000;

interface Listener extends Follow {
  /** Ids after this one are new to it. */
  from: string;
  /** What it was already given of those. */
  given: Set<string>;
  /** While it catches up: what is new waits here. */
  waiting: (() => void)[] | null;
}

/** Follows the ledger for any number of listeners with one look a second, and with none while nobody listens. A row is found by
 *  its id, which tells when it was made; those that are committed late are found by looking back and leaving out what was
 *  seen. The clock is the database's. */
export function openFollower({ db, log }: { db: Pick<Database, 'pool'>; log: Log }): Follower {
  const listeners = new Set<Listener>();
  const seen = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | null = null;
  let lookedAt: number | null = null;
  let lookedFarAt = 0;
  let isFailing = false;
  let isClosed = false;

  function schedule(): void {
    if (isClosed || timer !== undefined || looking !== null || listeners.size === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      looking = round().finally(() => {
        looking = null;
        schedule();
      });
    }, EVERY_MS);
  }

  async function round(): Promise<void> {
    try {
      await look();
      isFailing = false;
    } catch (error) {
      // The next look goes back to where the last one that worked was.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'stream.failed');
      isFailing = true;
    }
  }

  async function look(): Promise<void> {
    const now = await readClock(db);
    const since = lookedAt ?? now;
    const isFar = now - lookedFarAt >= LOOK_FAR_EVERY_MS;
    const after = lowestId(
      new Date(isFar ? Math.min(since, lookedFarAt || since) - LATEST_COMMIT_MS : since - LOOK_BACK_MS),
    );
    const accountIds = accountsOf(listeners);
    const found = await lookForChanges(db, { accountIds, subscriptionIds: null, after }, MOST_LOOKED_AT);
    const fresh = found.filter(({ id }) => !seen.has(id));
    const changes = await readChanges(db, fresh.slice(0, MOST_READ));
    lookedAt = now;
    if (isFar) {
      lookedFarAt = now;
      const oldest = lowestId(new Date(now - 2 * LATEST_COMMIT_MS - LOOK_FAR_EVERY_MS));
      for (const id of seen) if (id < oldest) seen.delete(id);
    }
    for (const { id } of fresh) seen.add(id);
    const isCut = fresh.length > MOST_READ || found.length === MOST_LOOKED_AT;
    for (const listener of listeners) tell(listener, changes, isCut);
  }

  function tell(listener: Listener, changes: Change[], isCut: boolean): void {
    const wanted = changes.filter((change) => isFor(listener, change));
    const give = () => {
      const news = wanted.filter(({ id }) => !listener.given.has(id));
      if (isCut) listener.onSkipped(null);
      if (news.length > 0) listener.onChanges(news);
    };
    if (listener.waiting) listener.waiting.push(give);
    else give();
  }

  async function catchUp(listener: Listener, after: string, now: number): Promise<void> {
    const { accountId, subscriptionIds } = listener;
    const seenAt = idTime(after).getTime();
    const accountIds = accountId === null ? null : [accountId];
    const looked = { accountIds, subscriptionIds, after: listener.from };
    const found: ChangeId[] = await lookForChanges(db, looked, MOST_CAUGHT_UP + 1);
    const changes = await readChanges(db, found.slice(0, MOST_CAUGHT_UP));
    if (seenAt < now - OLDEST_MS || found.length > MOST_CAUGHT_UP) listener.onSkipped(null);
    for (const { id } of changes) listener.given.add(id);
    if (changes.length > 0) listener.onChanges(changes);
  }

  return {
    async follow(wanted) {
      if (isClosed) throw new Error('the follower is closed');
      const now = await readClock(db);
      const from = lowestId(new Date(wanted.after === null ? now : firstToCatchUp(wanted.after, now)));
      const listener: Listener = { ...wanted, from, given: new Set(), waiting: [] };
      if (listeners.size === 0) {
        // Nobody looked for a while.
        lookedAt = now;
        lookedFarAt = now;
        seen.clear();
      }
      listeners.add(listener);
      const stop = () => void listeners.delete(listener);
      try {
        if (wanted.after !== null) await catchUp(listener, wanted.after, now);
      } catch (error) {
        stop();
        throw error;
      }
      const waited = listener.waiting ?? [];
      listener.waiting = null;
      for (const give of waited) give();
      schedule();
      return { stop };
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      listeners.clear();
      await looking;
    },
  };
}

const firstToCatchUp = (after: string, now: number): number =>
  Math.min(now, Math.max(idTime(after).getTime() - LATEST_COMMIT_MS, now - OLDEST_MS));

/** null: somebody listens to all. */
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

async function readClock({ pool }: Pick<Database, 'pool'>): Promise<number> {
  const { rows } = await pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]?.now.getTime() ?? Date.now();
}
