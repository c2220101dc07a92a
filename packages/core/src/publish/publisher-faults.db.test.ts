import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ledger, interpose, openLedger } from '../ledger.test-support.js';
import { freezeEvent } from './freeze-event.js';
import { type PublishResult, openPublisher } from './publisher.js';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
  // An event that Postgres refuses, whichever statement it shares.
  await ledger.db.pool.query(`
    CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF convert_from(NEW.body, 'UTF8') LIKE '%poison%' THEN RAISE EXCEPTION 'poisoned'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse_poison BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse_poison()`);
});
afterAll(() => ledger.close());

interface Call {
  key: string | null;
  body: 'a' | 'b' | 'poison';
  account: 'known' | 'unknown';
  afterMs: number;
}
const calls = fc.array(
  fc.record<Call>({
    key: fc.option(fc.constantFrom('k1', 'k2', 'k3')),
    body: fc.constantFrom('a', 'a', 'a', 'b', 'poison'),
    account: fc.constantFrom('known', 'known', 'known', 'unknown'),
    afterMs: fc.nat(2),
  }),
  { minLength: 1, maxLength: 30 },
);

// How a statement may end: normally, refused, or with a lost connection before the statement or after its commit.
type Fault = 'none' | 'refused' | 'deadlock' | 'lost' | 'lost after the commit';
const faults = fc.array(
  fc.constantFrom<Fault>('none', 'none', 'none', 'refused', 'deadlock', 'lost', 'lost after the commit'),
  {
    maxLength: 12,
  },
);
const failure = (code: string) => Object.assign(new Error(`made up: ${code}`), { code });

function strike(script: Fault[]) {
  const left = [...script];
  return interpose(ledger.db, async (_statement, run) => {
    const fault = left.shift() ?? 'none';
    if (fault === 'refused') throw failure('23514');
    if (fault === 'deadlock') throw failure('40P01');
    if (fault === 'lost') throw failure('ECONNRESET');
    const result = await run();
    if (fault === 'lost after the commit') throw failure('ECONNRESET');
    return result;
  });
}

type CallResult = PublishResult | { outcome: 'threw'; error: unknown };

async function publishAll(accountId: string, given: Call[], scripts: Fault[][]): Promise<CallResult[]> {
  const publishers = scripts.map((script) =>
    openPublisher({ ...ledger, db: strike(script), enqueue: () => Promise.resolve(true) }),
  );
  return Promise.all(
    given.map(async ({ key, body, account, afterMs }, index): Promise<CallResult> => {
      if (afterMs > 0) await delay(afterMs); // concurrent calls share a statement
      // Without a key each call creates its own event.
      const payload = key === null ? `{"call":${index},"body":"${body}"}` : `{"body":"${body}"}`;
      const frozen = freezeEvent(Buffer.from(`{"event":"message:created","payload":${payload}}`));
      if (!frozen.ok) throw new Error(frozen.message);
      const publisher = publishers[index % publishers.length];
      if (!publisher) throw new Error('no publisher');
      const request = {
        accountId: account === 'known' ? accountId : 'nobody',
        frozen: frozen.frozen,
        idempotencyKey: key,
      };
      return publisher.publish(request).catch((error: unknown) => ({ outcome: 'threw', error }) as const);
    }),
  );
}

async function stored(accountId: string) {
  const events = await ledger.db.prisma.event.findMany({ where: { accountId } });
  const deliveries = await ledger.db.prisma.delivery.findMany({ where: { accountId } });
  const keys = await ledger.db.prisma.idempotencyKey.findMany({ where: { accountId } });
  return { events: events.map(({ id, body }) => ({ id, body: Buffer.from(body).toString() })), deliveries, keys };
}

/** Invariants of the results and the stored rows, whatever failed. */
function check(
  given: Call[],
  results: CallResult[],
  { events, deliveries, keys }: Awaited<ReturnType<typeof stored>>,
): void {
  const idsOf = (...outcomes: string[]) =>
    results.flatMap((result) => ('event' in result && outcomes.includes(result.outcome) ? [result.event.id] : []));
  // Accepted means committed once; each accepted event is distinct.
  expect(new Set(idsOf('accepted')).size).toBe(idsOf('accepted').length);
  for (const id of idsOf('accepted', 'repeated')) expect(events.filter((event) => event.id === id)).toHaveLength(1);
  // An event without a result belongs to a call that got an error: its outcome is unknown, and the caller repeats with its key.
  // (An event stored before a later statement of the run failed is returned as repeated.)
  const unknown = events.filter(({ id }) => !idsOf('accepted', 'repeated').includes(id));
  expect(unknown.length).toBeLessThanOrEqual(results.filter(({ outcome }) => outcome === 'threw').length);
  expect(new Set(deliveries.map(({ eventId }) => eventId))).toEqual(new Set(events.map(({ id }) => id)));
  expect(deliveries).toHaveLength(events.length);

  for (const [index, result] of results.entries()) {
    const call = given[index];
    if (!call) throw new Error('a result without a call');
    const { key, body, account } = call;
    const own = key === null ? `{"call":${index},"body":"${body}"}` : `{"body":"${body}"}`;
    const copies = events.filter((event) => event.body.endsWith(`"payload":${own}}`));
    if (account === 'unknown') expect(['account_unknown', 'threw']).toContain(result.outcome);
    else if (body === 'poison') expect(['threw', 'key_reused']).toContain(result.outcome);
    if (key === null) expect(copies.length).toBeLessThanOrEqual(1);
    if (result.outcome === 'accepted' || result.outcome === 'repeated') {
      expect(copies.map(({ id }) => id)).toContain(result.event.id);
      if (key !== null) expect(keys.find((one) => one.key === key)?.eventId).toBe(result.event.id);
    }
    if (result.outcome === 'key_reused') expect(keys.find((one) => one.key === key)?.eventId).toBe(result.eventId);
  }
  // A key belongs to one event, which all calls with that key returned.
  expect(keys.every(({ eventId }) => events.some(({ id }) => id === eventId))).toBe(true);
  expect(events.filter(({ body }) => body.includes('poison'))).toEqual([]);
}

async function activeAccount(): Promise<string> {
  const id = await ledger.account();
  const kept = ledger.jobs.splice(0);
  await ledger.activeSubscription(id);
  ledger.jobs.splice(0, ledger.jobs.length, ...kept);
  return id;
}

describe('publish, for any fault', () => {
  it('property: each call gets its own result; accepted means committed exactly once; a key creates one event', async () => {
    const property = fc.asyncProperty(
      calls,
      fc.array(faults, { minLength: 1, maxLength: 2 }),
      async (given, scripts) => {
        const accountId = await activeAccount();
        const results = await publishAll(accountId, given, scripts);
        check(given, results, await stored(accountId));

        // A repeated call with a key now gets the existing event, or a new one.
        const before = await stored(accountId);
        const repeated = given.map((call, index) => ({ ...call, wasLeft: results[index]?.outcome === 'threw' }));
        const again = repeated.filter(({ wasLeft, key, body }) => wasLeft && key !== null && body !== 'poison');
        const second = await publishAll(accountId, again, [[]]);
        const after = await stored(accountId);
        for (const [index, result] of second.entries()) {
          const { key, account: whose } = again[index] ?? { key: null, account: 'known' };
          if (whose === 'unknown') expect(result.outcome).toBe('account_unknown');
          else expect(['accepted', 'repeated', 'key_reused']).toContain(result.outcome);
          const known = before.keys.find((one) => one.key === key);
          if (known && 'event' in result && whose === 'known') expect(result.event.id).toBe(known.eventId);
        }
        const keysMade = after.keys.length - before.keys.length;
        expect(after.events.length - before.events.length).toBe(keysMade);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('regression: an error after new events were stored duplicates nothing and fails only calls without a result', async () => {
    const accountId = await activeAccount();
    const given = [null, 'k1', 'k1'].map((key): Call => ({ key, body: 'a', account: 'known', afterMs: 0 }));
    const results = await publishAll(accountId, given, [['none', 'refused']]);
    check(given, results, await stored(accountId));
    expect(results.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'threw']);
  });

  it('property: of concurrent equal requests to two publishers, one creates the event and all return it', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 2, max: 60 }),
      fc.array(fc.nat(3), { minLength: 60, maxLength: 60 }),
      async (count, waits) => {
        const accountId = await activeAccount();
        const given = Array.from({ length: count }, (_, index): Call => ({
          key: 'same',
          body: 'a',
          account: 'known',
          afterMs: waits[index] ?? 0,
        }));
        const results = await publishAll(accountId, given, [[], []]);
        expect(results.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
        expect(results.filter(({ outcome }) => outcome === 'repeated')).toHaveLength(count - 1);
        const [first] = results;
        for (const result of results)
          expect('event' in result && result.event).toEqual(first && 'event' in first && first.event);
        expect((await stored(accountId)).events).toHaveLength(1);
      },
    );
    await fc.assert(property, { numRuns: 15 });
  });
});
