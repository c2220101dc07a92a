import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { type Batch, openBatch } from '../batch.js';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { type AfterPublish, openAfterPublish } from './after-publish.js';
import { type Enforcement, type Mismatch, openEnforcement } from './enforcement.js';
import { openRecount } from './recount.js';
import { openReach, type Reach, type ReachKey } from './reach.js';
import { idTime, newId } from '../id.js';
import type { FrozenEvent } from './freeze-event.js';
import {
  type InsertedEvent,
  MAX_DELIVERIES,
  type NewEvent,
  type PublishedEvent,
  findFirstUses,
  insertEvents,
} from './insert-events.js';

export interface PublishRequest {
  accountId: string;
  frozen: FrozenEvent;
  /** Stored for 24 h per account. A repeated key with the same body returns the first result. */
  idempotencyKey: string | null;
}
/** With the version of the type's schema that the payload was validated against; null: none. */
type Validated = PublishRequest & { schemaVersion: number | null };

export type PublishResult =
  | { outcome: 'accepted'; event: PublishedEvent } // 202
  | { outcome: 'repeated'; event: PublishedEvent } // 202: same key, same body, the first result again
  | { outcome: 'key_reused'; eventId: string } // 409: same key, another body
  | { outcome: 'type_unknown'; type: string } // 422
  | Mismatch // 422
  | { outcome: 'schema_changed'; type: string } // 503: the enforced schema changed while the event was published, several times in a row
  | { outcome: 'account_unknown' } // 404
  | { outcome: 'account_locked' }; // 503: another transaction has locked the account; nothing was stored
export type PublishRefusal = Exclude<PublishResult, { outcome: 'accepted' | 'repeated' }>;
export type PublishAllResult =
  | { outcome: 'accepted'; events: (PublishedEvent & { repeated: boolean })[] }
  | { outcome: 'refused'; index: number; result: PublishRefusal };

export interface Publisher {
  /** Stores the event and its pending deliveries, then resolves: accepted means committed. Concurrent calls share a
   *  transaction; each gets its own result.
   *  Enqueues afterwards, without waiting for the queue.
   *  Throws only if the database fails. It is then unknown whether the event was stored: repeat with the same
   *  idempotency key. */
  publish(request: PublishRequest): Promise<PublishResult>;
  /** Publishes all events in one transaction, or none. Concurrent calls use at most half of the
   *  connections, so that `publish` never waits for them. */
  publishAll(requests: PublishRequest[]): Promise<PublishAllResult>;
  /** Resolves when all running calls have ended and their deliveries have been handed to the queue. */
  drain(): Promise<void>;
}

export interface PublisherOptions {
  /** Called with the number of publishes that shared one statement. */
  observe?: (size: number) => void;
  /** Maximum number of deliveries that one statement writes. Workers write those of larger events. Default:
   *  MAX_DELIVERIES. */
  maxDeliveries?: number;
}

/** How often a publish reads the enforced schema again. More than twice is only needed if it changes at the same moment. */
const MAX_ROUNDS = 5;
const MAX_SHARED = 200; // events in one statement
const MAX_SHARED_BYTES = 8 * 1024 * 1024;
/** Bytes that are hashed per turn of the event loop. */
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

  const enforcement = openEnforcement({ db });
  const batch = openBatch<Validated, PublishResult | UnknownOutcome>({
    maxSize: MAX_SHARED,
    maxRuns: 2,
    // The larger share of a statement's capacity: bytes or deliveries.
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
        after.enqueueStored(inserted); // these are committed, even if a later statement fails
      }
    },
  });

  const batches = openBatches({ db, insertInto, after });

  return {
    publish: (request) =>
      publishValidated({ db, enforcement }, request, async (one) => resultOrThrow(await batch.add(one))),
    publishAll: (requests) => publishAllValidated({ db, enforcement }, requests, (all) => batches.add(all)),
    async drain() {
      await Promise.all([batch.drain(), batches.drain()]);
      await after.drain();
    },
  };
}

type InsertInto = (
  client: pg.PoolClient,
  events: NewEvent[],
  stored: InsertedEvent[],
) => Promise<(PublishResult | UnknownOutcome)[]>;

/** Each call of publishAll, in a transaction of its own. */
function openBatches({
  db,
  insertInto,
  after,
}: Pick<Deps, 'db'> & { insertInto: InsertInto; after: AfterPublish }): Batch<Validated[], PublishAllResult> {
  async function insertAll(requests: Validated[]): Promise<PublishAllResult> {
    const events = await toNewEvents(requests);
    const inserted: InsertedEvent[] = [];
    try {
      const accepted = await inTransaction(db.pool, async (client) =>
        (await insertInto(client, events, inserted)).map(resultOrThrow).map(acceptedOrRefused),
      );
      after.enqueueStored(inserted);
      return { outcome: 'accepted', events: accepted };
    } catch (error) {
      if (error instanceof Refused) return { outcome: 'refused', index: error.index, result: error.result };
      throw error;
    }
  }

  return openBatch({
    maxSize: 1,
    // Each run holds a connection. The other half of the pool is for everything else.
    maxRuns: Math.max(1, Math.floor(db.pool.options.max / 2)),
    run: async ([requests = []]) => [await insertAll(requests)],
  });
}

type EnforcementDeps = Pick<Deps, 'db'> & { enforcement: Enforcement };

/** Publishes an event that matches the enforced schema. If `store` finds that another version is enforced, validates against that one. */
async function publishValidated(
  deps: EnforcementDeps,
  request: PublishRequest,
  store: (validated: Validated) => Promise<PublishResult>,
): Promise<PublishResult> {
  for (let round = 1; ; round += 1) {
    const mismatch = await findMismatch(deps, request);
    if (mismatch) return mismatch;
    const schemaVersion = deps.enforcement.versionOf(request.frozen.type);
    const result = await store({ ...request, schemaVersion });
    if (result.outcome !== 'schema_changed' || round === MAX_ROUNDS) return result;
    await deps.enforcement.refresh([result.type]);
  }
}

/** Like publishValidated, for a batch. */
async function publishAllValidated(
  deps: EnforcementDeps,
  requests: PublishRequest[],
  store: (validated: Validated[]) => Promise<PublishAllResult>,
): Promise<PublishAllResult> {
  for (let round = 1; ; round += 1) {
    const validated = await validateAll(deps, requests);
    if ('outcome' in validated) return validated;
    const result = await store(validated);
    const isChanged = result.outcome === 'refused' && result.result.outcome === 'schema_changed';
    if (!isChanged || round === MAX_ROUNDS) return result;
    await deps.enforcement.refresh([...new Set(requests.map(({ frozen }) => frozen.type))]);
  }
}

/** Returns why the event is refused, by the current version of its schema. */
async function findMismatch(
  { db, enforcement }: EnforcementDeps,
  { accountId, frozen, idempotencyKey }: PublishRequest,
): Promise<Mismatch | null> {
  for (let round = 1; ; round += 1) {
    const mismatch = enforcement.check(frozen);
    if (!mismatch) return null;
    await enforcement.refresh([frozen.type]);
    if (mismatch.version !== enforcement.versionOf(frozen.type) && round < MAX_ROUNDS) continue;
    // A repeated request gets its first result, even if the schema has changed since: the statement finds it.
    const uses = idempotencyKey === null ? [] : await findFirstUses(db.pool, [{ accountId, key: idempotencyKey }]);
    return uses.length > 0 ? null : mismatch;
  }
}

/** Adds to each event the version that it matches, or returns the first one that does not match. Yields to the event loop after each
 *  event that was validated, because a validation may take 50 ms. */
async function validateAll(
  deps: EnforcementDeps,
  requests: PublishRequest[],
): Promise<Validated[] | (PublishAllResult & { outcome: 'refused' })> {
  const validated: Validated[] = [];
  for (const [index, request] of requests.entries()) {
    const schemaVersion = deps.enforcement.versionOf(request.frozen.type);
    if (schemaVersion !== null) {
      const result = await findMismatch(deps, request);
      if (result) return { outcome: 'refused', index, result };
      await nextTurn();
    }
    validated.push({ ...request, schemaVersion: deps.enforcement.versionOf(request.frozen.type) });
  }
  return validated;
}

const toReachKey = ({ accountId, frozen }: Pick<PublishRequest, 'accountId' | 'frozen'>): ReachKey => ({
  accountId,
  type: frozen.type,
});

/** It is unknown whether the event was stored. A caller with a key repeats the request. */
class UnknownOutcome {
  error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

function resultOrThrow(result: PublishResult | UnknownOutcome): PublishResult {
  if (result instanceof UnknownOutcome) throw result.error;
  return result;
}

/** Returns an event of a batch as the API returns it. Throws Refused if it was refused. */
function acceptedOrRefused(result: PublishResult, index: number): PublishedEvent & { repeated: boolean } {
  if (result.outcome !== 'accepted' && result.outcome !== 'repeated') throw new Refused(index, result);
  return { ...result.event, repeated: result.outcome === 'repeated' };
}

/** Rolls back the transaction of a batch. */
class Refused extends Error {
  index: number;
  result: PublishRefusal;
  constructor(index: number, result: PublishRefusal) {
    super(result.outcome);
    this.index = index;
    this.result = result;
  }
}

/** Runs one statement for new events, and a second one only if a key was used before. Adds the events of the first
 *  one to `stored` at once. */
async function insert(
  ledger: { client: pg.Pool | pg.PoolClient; reach: Reach; maxDeliveries: number },
  events: NewEvent[],
  stored: InsertedEvent[],
): Promise<(PublishResult | UnknownOutcome)[]> {
  const { client, reach, maxDeliveries } = ledger;
  const { first, later } = splitByKey(events);
  const inserted = await insertEvents(client, first, { maxDeliveries, knownFanOut: reach.knownFanOut });
  stored.push(...inserted);

  const results = new Map<NewEvent, PublishResult | UnknownOutcome>();
  const used = [...later];
  for (const [index, event] of first.entries()) {
    const { account, typeKnown, enforcedVersion, accepted, ...made } = inserted[index] as InsertedEvent;
    const { deliveryCount, reach: count, isFanOut } = made;
    const { id, accountId, createdAt } = event;
    const { type } = event.frozen;
    if (account === 'unknown') results.set(event, { outcome: 'account_unknown' });
    else if (account === 'locked') results.set(event, { outcome: 'account_locked' });
    else if (!typeKnown) results.set(event, { outcome: 'type_unknown', type });
    else if (enforcedVersion !== (event.schemaVersion ?? null)) results.set(event, { outcome: 'schema_changed', type });
    else if (accepted) {
      results.set(event, { outcome: 'accepted', event: { id, accountId, type, createdAt, deliveryCount, isFanOut } });
      if (!event.frozen.suppressed) reach.learn({ accountId, type }, count);
    } else used.push(event);
  }
  if (used.length > 0) {
    // The new events are stored: from here on, an error only concerns events without a result.
    try {
      await resolveUsed(used);
    } catch (error) {
      for (const event of used) if (!results.has(event)) results.set(event, new UnknownOutcome(error));
    }
  }
  return events.map((event) => results.get(event) as PublishResult | UnknownOutcome);

  async function resolveUsed(pending: NewEvent[]): Promise<void> {
    const uses = await findFirstUses(client, pending.map(toKey));
    const useByKey = new Map(uses.map((use) => [keyText(use), use]));
    const left: NewEvent[] = [];
    for (const event of pending) {
      const firstUse = useByKey.get(keyText(toKey(event)));
      if (!firstUse) left.push(event);
      else if (firstUse.bodyHash.equals(event.idempotency?.bodyHash as Buffer)) {
        results.set(event, { outcome: 'repeated', event: firstUse.event });
      } else results.set(event, { outcome: 'key_reused', eventId: firstUse.event.id });
    }
    // The first event with this key was refused, so the next one is the first. Insert each alone, so that one that
    // Postgres refuses does not fail the others.
    for (const event of left) {
      const { accountId, frozen, idempotency, schemaVersion = null } = event;
      const request = { accountId, frozen, idempotencyKey: idempotency?.key ?? null, schemaVersion };
      const [again] = await insert(ledger, [toNewEvent(request)], stored).catch((error: unknown) => [
        new UnknownOutcome(error),
      ]);
      if (again) results.set(event, again);
    }
  }
}

/** Yields to the event loop between slices, because hashing a batch of 16 MiB may take 50 ms. */
async function toNewEvents(requests: Validated[]): Promise<NewEvent[]> {
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

function toNewEvent({ accountId, frozen, idempotencyKey, schemaVersion }: Validated): NewEvent {
  const id = newId();
  const idempotency =
    idempotencyKey === null
      ? null
      : { key: idempotencyKey, bodyHash: createHash('sha256').update(frozen.body).digest() };
  return { id, accountId, frozen, createdAt: idTime(id), idempotency, schemaVersion };
}

/** `later`: events whose key an earlier one of the batch has. One statement cannot insert a key twice. */
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
