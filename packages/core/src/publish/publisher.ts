import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { openBatch } from '../batch.js';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { openAfterPublish } from './after-publish.js';
import { openRecount } from './recount.js';
import { openReach, type Reach, type ReachKey } from './reach.js';
import { idTime, newId } from '../id.js';
import type { FrozenEvent } from './freeze-event.js';
import {
  type InsertedEvent,
  MAX_DELIVERIES,
  type NewEvent,
  type PublishedEvent,
  findFirstAnswers,
  insertEvents,
} from './insert-events.js';

export interface PublishRequest {
  accountId: string;
  frozen: FrozenEvent;
  /** Kept 24 h per account: the same key with the same body gets the first answer again. */
  idempotencyKey: string | null;
}

export type PublishResult =
  | { outcome: 'accepted'; event: PublishedEvent } // 202
  | { outcome: 'repeated'; event: PublishedEvent } // 202: same key, same body, the first answer again
  | { outcome: 'key_reused'; eventId: string } // 409: same key, another body
  | { outcome: 'type_unknown'; type: string } // 422
  | { outcome: 'account_unknown' } // 404
  | { outcome: 'account_locked' }; // 503: somebody holds the account's row; nothing was stored
export type PublishRefusal = Exclude<PublishResult, { outcome: 'accepted' | 'repeated' }>;
export type PublishAllResult =
  | { outcome: 'accepted'; events: (PublishedEvent & { repeated: boolean })[] }
  | { outcome: 'refused'; index: number; result: PublishRefusal };

export interface Publisher {
  /** Stores the event and what is owed of it, then resolves: accepted means committed. Concurrent calls share a
   *  transaction, each has its own answer. The queue is told afterwards and is not waited for. Throws only when the
   *  database does, and then it is unknown whether it was stored: repeat with the same idempotency key. */
  publish(request: PublishRequest): Promise<PublishResult>;
  /** All of them in one transaction, or none. */
  publishAll(requests: PublishRequest[]): Promise<PublishAllResult>;
  /** Resolves when everything under way is answered and the queue has been told. */
  drain(): Promise<void>;
}

export interface PublisherOptions {
  /** How many publishes shared one statement. */
  observe?: (size: number) => void;
  /** Deliveries that one statement writes; workers write those of an event with more. Default: MAX_DELIVERIES. */
  maxDeliveries?: number;
}

const MAX_SHARED = 200; // events in one statement
const MAX_SHARED_BYTES = 8 * 1024 * 1024;
/** Hashed in one turn of the event loop. */
const SLICE_BYTES = 1024 * 1024;

export function openPublisher(
  { db, enqueue }: Deps,
  { observe, maxDeliveries = MAX_DELIVERIES }: PublisherOptions = {},
): Publisher {
  const after = openAfterPublish({ db, enqueue });
  const reach = openReach({ limit: maxDeliveries });
  const recount = openRecount(db.pool, reach);

  async function insertInto(client: pg.Pool | pg.PoolClient, events: NewEvent[], stored: InsertedEvent[]) {
    const results = await insert({ client, reach, maxDeliveries }, events, stored);
    for (const key of events.map(toReachKey)) if (reach.isStale(key)) after.add(recount(key));
    return results;
  }

  const batch = openBatch<PublishRequest, PublishResult | Unanswered>({
    maxSize: MAX_SHARED,
    maxRuns: 2,
    // The larger share of what a statement may carry: of bytes, or of deliveries.
    weigh: (request) =>
      Math.max(request.frozen.body.length / MAX_SHARED_BYTES, reach.expected(toReachKey(request)) / maxDeliveries),
    maxWeight: 1,
    isHeavy: (request) => reach.isHeavy(toReachKey(request)),
    ...(observe && { observe }),
    async run(requests) {
      const inserted: InsertedEvent[] = [];
      try {
        return await insertInto(db.pool, requests.map(toNewEvent), inserted);
      } finally {
        after.tell(inserted); // what is stored is stored, even if the statement after it fails
      }
    },
  });

  return {
    async publish(request) {
      return answered(await batch.add(request));
    },
    async publishAll(requests) {
      const events = await toNewEvents(requests);
      const inserted: InsertedEvent[] = [];
      try {
        const accepted = await inTransaction(db.pool, async (client) =>
          (await insertInto(client, events, inserted)).map(answered).map(acceptedOrRefused),
        );
        after.tell(inserted);
        return { outcome: 'accepted', events: accepted };
      } catch (error) {
        if (error instanceof Refused) return { outcome: 'refused', index: error.index, result: error.result };
        throw error;
      }
    },
    async drain() {
      await batch.drain();
      await after.drain();
    },
  };
}

const toReachKey = ({ accountId, frozen }: Pick<PublishRequest, 'accountId' | 'frozen'>): ReachKey => ({
  accountId,
  type: frozen.type,
});

/** What became of an event is unknown: whoever has a key repeats. */
class Unanswered {
  error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

function answered(result: PublishResult | Unanswered): PublishResult {
  if (result instanceof Unanswered) throw result.error;
  return result;
}

/** The event of a batch as it is answered. Throws Refused for the first that was refused. */
function acceptedOrRefused(result: PublishResult, index: number): PublishedEvent & { repeated: boolean } {
  if (result.outcome !== 'accepted' && result.outcome !== 'repeated') throw new Refused(index, result);
  return { ...result.event, repeated: result.outcome === 'repeated' };
}

/** Rolls the transaction of a batch back. */
class Refused extends Error {
  index: number;
  result: PublishRefusal;
  constructor(index: number, result: PublishRefusal) {
    super(result.outcome);
    this.index = index;
    this.result = result;
  }
}

/** One statement for all that is new; a second one only where a key was used before. What the first one stored is added to
 *  `stored` at once. */
async function insert(
  ledger: { client: pg.Pool | pg.PoolClient; reach: Reach; maxDeliveries: number },
  events: NewEvent[],
  stored: InsertedEvent[],
): Promise<(PublishResult | Unanswered)[]> {
  const { client, reach, maxDeliveries } = ledger;
  const { first, later } = splitByKey(events);
  const inserted = await insertEvents(client, first, { maxDeliveries, knownFanOut: reach.knownFanOut });
  stored.push(...inserted);

  const results = new Map<NewEvent, PublishResult | Unanswered>();
  const used = [...later];
  for (const [index, event] of first.entries()) {
    const { account, typeKnown, accepted, deliveryCount, isFanOut } = inserted[index] as InsertedEvent;
    const { id, accountId, createdAt } = event;
    const { type } = event.frozen;
    if (account === 'unknown') results.set(event, { outcome: 'account_unknown' });
    else if (account === 'locked') results.set(event, { outcome: 'account_locked' });
    else if (!typeKnown) results.set(event, { outcome: 'type_unknown', type });
    else if (accepted) {
      results.set(event, { outcome: 'accepted', event: { id, accountId, type, createdAt, deliveryCount, isFanOut } });
      if (!event.frozen.suppressed) reach.learn({ accountId, type }, deliveryCount);
    } else used.push(event);
  }
  if (used.length > 0) {
    // From here on the others are stored: a fault is told to those alone that have no answer yet.
    try {
      await answerUsed(used);
    } catch (error) {
      for (const event of used) if (!results.has(event)) results.set(event, new Unanswered(error));
    }
  }
  return events.map((event) => results.get(event) as PublishResult | Unanswered);

  async function answerUsed(asked: NewEvent[]): Promise<void> {
    const answers = await findFirstAnswers(client, asked.map(toKey));
    const answerByKey = new Map(answers.map((answer) => [keyText(answer), answer]));
    const left: NewEvent[] = [];
    for (const event of asked) {
      const answer = answerByKey.get(keyText(toKey(event)));
      if (!answer) left.push(event);
      else if (answer.bodyHash.equals(event.idempotency?.bodyHash as Buffer)) {
        results.set(event, { outcome: 'repeated', event: answer.event });
      } else results.set(event, { outcome: 'key_reused', eventId: answer.event.id });
    }
    // Whoever was to use the key first was refused, so the next one is the first. Each alone: one that Postgres refuses fails
    // nobody else.
    for (const event of left) {
      const { accountId, frozen, idempotency } = event;
      const request = { accountId, frozen, idempotencyKey: idempotency?.key ?? null };
      const [again] = await insert(ledger, [toNewEvent(request)], stored).catch((error: unknown) => [
        new Unanswered(error),
      ]);
      if (again) results.set(event, again);
    }
  }
}

/** Lets the event loop turn between slices: to hash a batch of 16 MiB may take 50 ms. */
async function toNewEvents(requests: PublishRequest[]): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  let bytes = 0;
  for (const request of requests) {
    bytes += request.frozen.body.length;
    if (bytes > SLICE_BYTES) {
      await nextTurn();
      bytes = request.frozen.body.length;
    }
    events.push(toNewEvent(request));
  }
  return events;
}

function toNewEvent({ accountId, frozen, idempotencyKey }: PublishRequest): NewEvent {
  const id = newId();
  const idempotency =
    idempotencyKey === null
      ? null
      : { key: idempotencyKey, bodyHash: createHash('sha256').update(frozen.body).digest() };
  return { id, accountId, frozen, createdAt: idTime(id), idempotency };
}

/** `later`: those whose key an earlier one of the same batch has. One statement cannot take a key twice. */
function splitByKey(events: NewEvent[]): { first: NewEvent[]; later: NewEvent[] } {
  const seen = new Set<string>();
  const first: NewEvent[] = [];
  const later: NewEvent[] = [];
  for (const event of events) {
    const text = event.idempotency && keyText(toKey(event));
    if (text !== null && seen.has(text)) later.push(event);
    else first.push(event);
    if (text !== null) seen.add(text);
  }
  return { first, later };
}

const toKey = ({ accountId, idempotency }: NewEvent) => ({ accountId, key: idempotency?.key ?? '' });
const keyText = ({ accountId, key }: { accountId: string; key: string }) => `${accountId}\n${key}`;
