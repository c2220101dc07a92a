import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { putEventType } from '../event-types/put-event-types.js';
import { listEventTypeSchemas } from '../event-types/list-event-type-schemas.js';
import { interpose, type Ledger, openLedger } from '../ledger.test-support.js';
import { freezeEvent } from './freeze-event.js';
import { openPublisher, type PublishRequest } from './publisher.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
afterEach(() => void vi.restoreAllMocks());

function request(accountId: string, type: string, payload: unknown, key: string | null = null): PublishRequest {
  const result = freezeEvent(Buffer.from(JSON.stringify({ event: type, payload })));
  if (!result.ok) throw new Error(result.message);
  return { accountId, frozen: result.frozen, idempotencyKey: key };
}

const AMOUNT = { type: 'object', required: ['amount'], properties: { amount: { type: 'integer' } } };
const CURRENCY = { ...AMOUNT, required: ['amount', 'currency'] };

const put = (name: string, schema: object | null, enforcement: 'off' | 'reject' = 'reject') =>
  putEventType(ledger, { name, description: null, example: null, schema, deprecated: false, enforcement });

const countEvents = (accountId: string) => ledger.db.prisma.event.count({ where: { accountId } });

const refused = (version: number, field: string) => ({
  outcome: 'schema_mismatch',
  version,
  issues: [{ path: [field], message: expect.any(String) }],
});
const accepted = { outcome: 'accepted' };

describe('a publish with an enforced schema', () => {
  it('stores events that match, and refuses others with the path and the version', async () => {
    const accountId = await ledger.account();
    await put('invoice:paid', AMOUNT);
    expect(await ledger.publisher.publish(request(accountId, 'invoice:paid', { amount: 1 }))).toMatchObject(accepted);
    const bad = await ledger.publisher.publish(request(accountId, 'invoice:paid', { amount: '1' }));
    expect(bad).toEqual({
      outcome: 'schema_mismatch',
      type: 'invoice:paid',
      version: 1,
      issues: [{ path: ['amount'], message: 'must be a whole number' }],
    });
    expect(await countEvents(accountId)).toBe(1);
  });

  it('stores nothing of a batch with an event that does not match, whatever its place', async () => {
    const accountId = await ledger.account();
    await put('invoice:sent', AMOUNT);
    await put('invoice:void', CURRENCY);
    const good = request(accountId, 'invoice:sent', { amount: 1 });
    const other = request(accountId, 'message:created', { amount: 'any' });
    const bad = request(accountId, 'invoice:void', { amount: 1 });
    for (const [index, batch] of [
      [bad, good, other],
      [good, other, bad],
    ].entries()) {
      expect(await ledger.publisher.publishAll(batch)).toMatchObject({
        outcome: 'refused',
        index: index * 2,
        result: refused(1, 'currency'),
      });
    }
    expect(await countEvents(accountId)).toBe(0);
    expect(await ledger.publisher.publishAll([good, other])).toMatchObject({ outcome: 'accepted' });
    expect(await countEvents(accountId)).toBe(2);
  });

  it('applies a change to the next publish of every process', async () => {
    const accountId = await ledger.account();
    const processes = [openPublisher(ledger), openPublisher(ledger)];
    const publishAll = (payload: unknown) =>
      Promise.all(processes.map((one) => one.publish(request(accountId, 'invoice:due', payload))));
    await put('invoice:due', AMOUNT, 'off');
    expect(await publishAll({})).toMatchObject([accepted, accepted]);
    await put('invoice:due', AMOUNT);
    expect(await publishAll({})).toMatchObject([refused(1, 'amount'), refused(1, 'amount')]);
    expect(await publishAll({ amount: 1 })).toMatchObject([accepted, accepted]);
    await put('invoice:due', CURRENCY);
    expect(await publishAll({ amount: 1 })).toMatchObject([refused(2, 'currency'), refused(2, 'currency')]);
    await put('invoice:due', AMOUNT);
    expect(await publishAll({ amount: 1 })).toMatchObject([accepted, accepted]);
    await ledger.db.prisma.eventType.delete({ where: { name: 'invoice:due' } });
    expect(await publishAll({ amount: 1 })).toMatchObject([{ outcome: 'type_unknown' }, { outcome: 'type_unknown' }]);
    await put('invoice:due', CURRENCY);
    expect(await publishAll({ amount: 1 })).toMatchObject([refused(4, 'currency'), refused(4, 'currency')]);
    await put('invoice:due', CURRENCY, 'off');
    expect(await publishAll({})).toMatchObject([accepted, accepted]);
  });

  it('applies the version that is current when the event is stored', async () => {
    const accountId = await ledger.account();
    await put('invoice:late', AMOUNT);
    let isChanged = false;
    const raced = {
      ...ledger,
      db: interpose(ledger.db, async (statement, run) => {
        if (statement === 'load-enforced-schemas' && !isChanged) {
          const result = await run();
          isChanged = true;
          await put('invoice:late', CURRENCY);
          return result;
        }
        return run();
      }),
    };
    const result = await openPublisher(raced).publish(request(accountId, 'invoice:late', { amount: 1 }));
    expect(isChanged).toBe(true);
    expect(result).toMatchObject(refused(2, 'currency'));
  });

  it('gives a repeated key its first result, even if the schema has changed since', async () => {
    const accountId = await ledger.account();
    await put('invoice:open', AMOUNT);
    const first = request(accountId, 'invoice:open', { amount: 1 }, 'key-1');
    const { event } = (await ledger.publisher.publish(first)) as { event: { id: string } };
    await put('invoice:open', CURRENCY);
    expect(await ledger.publisher.publish(first)).toMatchObject({ outcome: 'repeated', event: { id: event.id } });
    expect(await ledger.publisher.publishAll([first])).toMatchObject({
      outcome: 'accepted',
      events: [{ repeated: true }],
    });
    const reused = request(accountId, 'invoice:open', { amount: 2 }, 'key-1');
    expect(await ledger.publisher.publish(reused)).toMatchObject({ outcome: 'key_reused' });
    const fresh = request(accountId, 'invoice:open', { amount: 1 }, 'key-2');
    expect(await ledger.publisher.publish(fresh)).toMatchObject(refused(2, 'currency'));
  });

  it('costs one statement and no parse without enforcement, and one parse with it', async () => {
    const accountId = await ledger.account();
    await put('cost:enforced', AMOUNT);
    await put('cost:documented', AMOUNT, 'off');
    await put('cost:plain', null, 'off');
    const statements: string[] = [];
    const publisher = openPublisher({
      ...ledger,
      db: interpose(ledger.db, (name, run) => {
        statements.push(name);
        return run();
      }),
    });
    const parse = vi.spyOn(JSON, 'parse');
    const cost = async (type: string) => {
      statements.length = 0;
      parse.mockClear();
      expect(await publisher.publish(request(accountId, type, { amount: 1, marker: 'x' }))).toMatchObject(accepted);
      await publisher.drain();
      const parses = parse.mock.calls.filter(([text]) => text.includes('"marker"')).length;
      return { statements: statements.slice(), parses };
    };
    expect(await cost('cost:enforced')).toEqual({
      statements: ['insert-events', 'load-enforced-schemas', 'insert-events'],
      parses: 1,
    });
    // From now on, this process knows a schema.
    expect(await cost('cost:enforced')).toEqual({ statements: ['insert-events'], parses: 1 });
    expect(await cost('cost:documented')).toEqual({ statements: ['insert-events'], parses: 0 });
    expect(await cost('cost:plain')).toEqual({ statements: ['insert-events'], parses: 0 });
  });

  it('yields to the event loop after each event of a batch that it validates', async () => {
    const accountId = await ledger.account();
    await put('batch:enforced', AMOUNT);
    const batch = Array.from({ length: 20 }, () => request(accountId, 'batch:enforced', { amount: 1 }));
    await ledger.publisher.publishAll(batch.slice(0, 1));
    const parse = vi.spyOn(JSON, 'parse');
    const perTurn: number[] = [];
    const endTurn = () => {
      perTurn.push(parse.mock.calls.filter(([text]) => text.startsWith('{"amount"')).length);
      parse.mockClear();
      if (perTurn.length < 2 * batch.length) setImmediate(endTurn);
    };
    setImmediate(endTurn);
    await ledger.publisher.publishAll(batch);
    expect(Math.max(...perTurn)).toBe(1);
    expect(perTurn.filter((count) => count > 0)).toHaveLength(batch.length);
  });
});

describe('versions', () => {
  it('counts one for each changed schema, also for concurrent changes, and keeps all', async () => {
    const versions = async (name: string) =>
      (await listEventTypeSchemas(ledger, { name, before: null, limit: 10 })).rows.map(({ version }) => version);
    await put('version:a', AMOUNT);
    await put('version:a', AMOUNT, 'off');
    await put('version:a', null, 'off');
    await put('version:a', AMOUNT);
    expect(await versions('version:a')).toEqual([1]);
    const changes = Array.from({ length: 5 }, (_, n) => put('version:a', { ...AMOUNT, title: String(n) }));
    expect(await Promise.all(changes)).toEqual(Array(5).fill(false));
    expect(await versions('version:a')).toEqual([6, 5, 4, 3, 2, 1]);
    const { schemaVersion, schema } = await ledger.db.prisma.eventType.findUniqueOrThrow({
      where: { name: 'version:a' },
    });
    const [newest] = (await listEventTypeSchemas(ledger, { name: 'version:a', before: null, limit: 1 })).rows;
    expect({ version: schemaVersion, schema }).toEqual({ version: newest?.version, schema: newest?.schema });
    expect((await listEventTypeSchemas(ledger, { name: 'version:a', before: 3, limit: 1 })).hasMore).toBe(true);
  });
});
