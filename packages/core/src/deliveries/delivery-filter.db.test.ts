import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { conditionsOf, type DeliveryFilter, outcomesOf } from './delivery-filter.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

/** The status codes of the deliveries that a filter selects. */
async function select(filter: DeliveryFilter): Promise<(number | null)[]> {
  const values: unknown[] = [];
  const conditions = conditionsOf(filter, (value) => `$${values.push(value)}`);
  const { rows } = await ledger.db.pool.query<{ code: number | null }>(
    `SELECT d.last_status_code AS code FROM deliveries d WHERE ${['true', ...conditions].join(' AND ')} ORDER BY code`,
    values,
  );
  return rows.map(({ code }) => code);
}

it('selects by each field, and by all of them together', async () => {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  await ledger.db.pool.query(
    `INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at,
       completed_at, replay_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at)
     SELECT posthorn_delivery_id(event), $1, event, CASE code WHEN 500 THEN 'a:b' ELSE 'c:d' END, $2::uuid, status, 1, 0, at, at,
       CASE code WHEN 404 THEN $2::uuid END, outcome, trigger, code, 1, at
     FROM (SELECT posthorn_uuidv7() AS event, *, '2026-01-01T00:00:00Z'::timestamptz + code * interval '1 s' AS at FROM (VALUES
       (204, 'succeeded'::delivery_status, 'ok'::attempt_outcome, 'auto'::attempt_trigger), (404, 'failed', 'http_error', 'replay'),
       (500, 'failed', 'timeout', 'auto'), (503, 'canceled', 'http_error', 'manual')
     ) v (code, status, outcome, trigger)) made`,
    [accountId, id],
  );
  const event = (await ledger.db.prisma.delivery.findFirstOrThrow({ where: { lastStatusCode: 500 } })).eventId;
  const second = (code: number) => new Date(Date.UTC(2026, 0, 1) + code * 1_000);
  const cases: [DeliveryFilter, number[]][] = [
    [{}, [204, 404, 500, 503]],
    [{ statusCodes: ['5xx'] }, [500, 503]],
    [{ statusCodes: ['503', '2xx'] }, [204, 503]],
    [{ statuses: ['failed', 'canceled'] }, [404, 500, 503]],
    [{ outcomes: ['timeout'] }, [500]],
    [{ triggers: ['manual', 'replay'] }, [404, 503]],
    [{ eventTypes: ['a:b'] }, [500]],
    [{ eventId: event }, [500]],
    [{ replayId: id }, [404]],
    [{ subscriptionIds: [id] }, [204, 404, 500, 503]],
    [{ subscriptionIds: [event] }, []],
    [{ from: second(404), to: second(503) }, [404, 500]],
    [{ statusCodes: ['5xx'], outcomes: ['http_error'], statuses: ['failed'] }, []],
    [{ statusCodes: ['4xx', '5xx'], outcomes: ['http_error'], triggers: ['manual'], from: second(0) }, [503]],
  ];
  for (const [filter, codes] of cases) expect([filter, await select(filter)]).toEqual([filter, codes]);
});

it('an HTTP status matches every outcome that can have one, including an attempt that ended within the body', () => {
  expect(outcomesOf(['2xx', '204'])).toEqual(['ok', 'timeout', 'aborted']);
  expect(outcomesOf(['3xx', '5xx', '404'])).toEqual(['redirect', 'http_error', 'timeout', 'aborted']);
});
