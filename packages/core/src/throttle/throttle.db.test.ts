import { type ClonedDatabase, cloneDatabase } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CAPACITY_GROWS, SET_CAPACITY } from './capacity.js';
import { IS_DEFERRED_BY_CIRCUIT, isClosed, isNotOpen, OPENS, SET_CIRCUIT, weightOf } from './circuit-breaker.js';
import { firstTurnOf, turnAfter, turnsLeft } from './rate-limit.js';

// The transitions are SQL, so these tests apply them in Postgres, one row at a time.

let database: ClonedDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await cloneDatabase(inject('templateDatabaseUrl'));
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function row(sql: string): Promise<Record<string, unknown>> {
  const { rows } = await client.query<Record<string, unknown>>(sql);
  return rows[0] ?? {};
}

/** A subscription `s` with these columns. */
const subscription = (columns: string): string => `(SELECT ${columns}) s`;
const PROBE = `'00000000-0000-0000-0000-000000000001'::uuid`;
const OTHER = `'00000000-0000-0000-0000-000000000002'::uuid`;

describe('circuit breaker', () => {
  interface Circuit {
    streak?: number;
    until?: 'NULL' | `now() ${'+' | '-'} interval '1 second'`;
    opened?: number;
    probe?: string;
  }
  interface Verdict {
    succeeded?: boolean;
    weight?: number;
    ids?: string;
  }
  const OPEN = `now() + interval '1 second'` as const;
  const HALF_OPEN = `now() - interval '1 second'` as const;

  /** Applies the transition. Returns the state, how long it opens, and the other columns. */
  async function after(
    { streak = 0, until = 'NULL', opened = 0, probe = 'NULL' }: Circuit,
    { succeeded = false, weight = 0, ids = OTHER }: Verdict,
  ) {
    const is = `${!succeeded && weight > 0}`;
    await client.query('DROP TABLE IF EXISTS circuit');
    await client.query(`CREATE TEMP TABLE circuit AS SELECT ${streak} AS failure_streak, (${until})::timestamptz AS circuit_open_until,
      ${opened} AS circuit_opened_count, ${probe}::uuid AS probe_id`);
    const { rows } = await client.query<Record<string, unknown>>(
      `WITH verdict AS (SELECT ${succeeded} AS succeeded, ${is} AS is_bad, ${weight} AS weight, ARRAY[${ids}] AS ids)
       UPDATE circuit s SET ${SET_CIRCUIT}
       FROM (SELECT v.*, ${OPENS} AS opens FROM circuit s CROSS JOIN verdict v) v
       RETURNING s.failure_streak AS streak, s.circuit_opened_count AS opened, s.probe_id IS NOT NULL AS "hasProbe",
         CASE WHEN ${isClosed('s')} THEN 'closed' WHEN ${isNotOpen('s')} THEN 'half-open' ELSE 'open' END AS state,
         extract(epoch FROM s.circuit_open_until - now())::float8 AS seconds`,
    );
    return rows[0] ?? {};
  }

  it.each<{ title: string; from: Circuit; verdict: Verdict; to: Record<string, unknown> }>([
    {
      title: 'stays closed below ten failures',
      from: { streak: 8 },
      verdict: { weight: 1 },
      to: { state: 'closed', streak: 9 },
    },
    { title: 'opens at ten', from: { streak: 9 }, verdict: { weight: 1 }, to: { state: 'open', opened: 1 } },
    { title: 'opens at three timeouts', from: { streak: 8 }, verdict: { weight: 4 }, to: { state: 'open', opened: 1 } },
    {
      title: 'forgets failures before a success',
      from: { streak: 9 },
      verdict: { succeeded: true, weight: 1 },
      to: { state: 'closed', streak: 0 },
    },
    {
      title: 'stays open when an earlier attempt fails',
      from: { until: OPEN, streak: 12, opened: 1 },
      verdict: { weight: 4 },
      to: { state: 'open', opened: 1 },
    },
    {
      title: 'closes when an earlier attempt succeeds',
      from: { until: OPEN, streak: 12, opened: 3 },
      verdict: { succeeded: true },
      to: { state: 'closed', opened: 0, streak: 0 },
    },
    {
      title: 'closes when the probe succeeds',
      from: { until: HALF_OPEN, opened: 3, probe: PROBE },
      verdict: { succeeded: true, ids: PROBE },
      to: { state: 'closed', opened: 0, hasProbe: false },
    },
    {
      title: 'opens when the probe fails',
      from: { until: HALF_OPEN, opened: 1, probe: PROBE },
      verdict: { weight: 1, ids: PROBE },
      to: { state: 'open', opened: 2, hasProbe: false },
    },
    {
      title: 'stays half-open when another attempt fails',
      from: { until: HALF_OPEN, opened: 1, streak: 12, probe: PROBE },
      verdict: { weight: 4 },
      to: { state: 'half-open', opened: 1, hasProbe: true },
    },
    {
      title: 'stays half-open when the probe is aborted',
      from: { until: HALF_OPEN, opened: 1, probe: PROBE },
      verdict: { ids: PROBE },
      to: { state: 'half-open', hasProbe: true },
    },
  ])('$title', async ({ from, verdict, to }) => {
    expect(await after(from, verdict)).toMatchObject(to);
  });

  it('opens for 15 s at first, twice as long after each failed probe, and at most 10 min; always ± 10 %', async () => {
    for (const [opened, seconds] of [
      [0, 15],
      [1, 30],
      [2, 60],
      [5, 480],
      [6, 600],
      [1_000, 600],
    ] as const) {
      const state = await after({ until: HALF_OPEN, opened, probe: PROBE }, { weight: 1, ids: PROBE });
      expect(state['seconds']).toBeGreaterThanOrEqual(seconds * 0.9);
      expect(state['seconds']).toBeLessThanOrEqual(seconds * 1.1);
    }
  });

  it('defers everything except the probe, unless it is closed', async () => {
    const isDeferredByCircuit = async (until: string, id: string) =>
      (
        await row(`SELECT ${IS_DEFERRED_BY_CIRCUIT} AS is FROM ${subscription(`(${until})::timestamptz AS circuit_open_until, ${PROBE} AS probe_id`)},
        (SELECT ${id} AS id) d`)
      )['is'];
    expect(await isDeferredByCircuit('NULL', OTHER)).toBe(false);
    expect(await isDeferredByCircuit(HALF_OPEN, PROBE)).toBe(false);
    expect(await isDeferredByCircuit(HALF_OPEN, OTHER)).toBe(true);
    expect(await isDeferredByCircuit(OPEN, OTHER)).toBe(true);
  });

  it('weighs a timeout four times', async () => {
    expect(await row(`SELECT ${weightOf(`'timeout'`)} AS timeout, ${weightOf(`'http_error'`)} AS other`)).toEqual({
      timeout: 4,
      other: 1,
    });
  });
});

describe('capacity', () => {
  interface Capacity {
    limit: number;
    /** Seconds since it changed. */
    age?: number;
    isOpen?: boolean;
  }
  async function after(
    { limit, age = 100, isOpen = false }: Capacity,
    { succeeded, quick = false }: { succeeded: boolean; quick?: boolean },
  ) {
    await client.query('DROP TABLE IF EXISTS capacity');
    await client.query(`CREATE TEMP TABLE capacity AS SELECT ${limit} AS concurrency_limit,
      now() - interval '${age} seconds' AS concurrency_set_at, ${isOpen ? 'now()' : 'NULL::timestamptz'} AS circuit_open_until`);
    const verdict = `(SELECT ${succeeded} AS succeeded, ${quick} AS quick) v`;
    const { grows } = await row(`SELECT ${CAPACITY_GROWS} AS grows FROM capacity s, ${verdict}`);
    const { limit: now } = await row(
      `UPDATE capacity s SET ${SET_CAPACITY} FROM ${verdict} RETURNING s.concurrency_limit AS limit`,
    );
    return { grows, limit: now };
  }

  it.each<{
    title: string;
    from: Capacity;
    verdict: { succeeded: boolean; quick?: boolean };
    limit: number;
    grows?: boolean;
  }>([
    { title: 'stays after failures', from: { limit: 50 }, verdict: { succeeded: false }, limit: 50 },
    {
      title: 'doubles after quick successes',
      from: { limit: 50, age: 1 },
      verdict: { succeeded: true, quick: true },
      limit: 100,
      grows: true,
    },
    {
      title: 'does not double twice in a second',
      from: { limit: 50, age: 0 },
      verdict: { succeeded: true, quick: true },
      limit: 50,
    },
    {
      title: 'grows by a tenth after slow successes',
      from: { limit: 50, age: 5 },
      verdict: { succeeded: true },
      limit: 55,
      grows: true,
    },
    { title: 'grows by at least one', from: { limit: 1, age: 5 }, verdict: { succeeded: true }, limit: 2, grows: true },
    {
      title: 'does not grow twice in 5 s of slow successes',
      from: { limit: 50, age: 4 },
      verdict: { succeeded: true },
      limit: 50,
    },
    {
      title: 'never exceeds 1,000',
      from: { limit: 600 },
      verdict: { succeeded: true, quick: true },
      limit: 1_000,
      grows: true,
    },
    { title: 'is full at 1,000', from: { limit: 1_000 }, verdict: { succeeded: true, quick: true }, limit: 1_000 },
    {
      title: 'begins again with 8 when the circuit closes',
      from: { limit: 600, isOpen: true },
      verdict: { succeeded: true, quick: true },
      limit: 8,
      grows: true,
    },
    {
      title: 'stays below 8 when the circuit closes',
      from: { limit: 3, isOpen: true },
      verdict: { succeeded: true, quick: true },
      limit: 3,
      grows: true,
    },
  ])('$title', async ({ from, verdict, limit, grows = false }) => {
    expect(await after(from, verdict)).toEqual({ grows, limit });
  });
});

describe('rate limit', () => {
  /** `next`: the next turn, in seconds from now. */
  async function turns({ rate, next }: { rate: number | 'NULL'; next: number | 'NULL' }) {
    const turn = { firstTurn: firstTurnOf('s'), rate: 's.rate_limit' };
    const seconds = (moment: string) => `extract(epoch FROM ${moment} - now())::float8`;
    return row(`SELECT ${turnsLeft(turn)}::float8 AS left, ${seconds(turnAfter('0', turn))} AS first, ${seconds(turnAfter('3', turn))} AS fourth
      FROM ${subscription(`${rate}::int AS rate_limit, now() + ${next} * interval '1 second' AS next_slot_at`)}`);
  }

  it.each([
    { title: 'gives out two seconds of turns at most', rate: 10, next: 'NULL', left: 20, first: 0, fourth: 0.3 },
    { title: 'gives out what is left of two seconds', rate: 10, next: 1.5, left: 5, first: 1.5, fourth: 1.8 },
    { title: 'gives out none beyond', rate: 10, next: 2, left: 0, first: 2, fourth: 2.3 },
    { title: 'makes up for no turn that was not used', rate: 10, next: -60, left: 20, first: 0, fourth: 0.3 },
    { title: 'reserves one turn in advance at one per second', rate: 1, next: 1, left: 1, first: 1, fourth: 4 },
    { title: 'has no turns without a limit', rate: 'NULL', next: 'NULL', left: null, first: null, fourth: null },
  ] as const)('$title', async ({ rate, next, left, first, fourth }) => {
    expect(await turns({ rate, next })).toEqual({ left, first, fourth });
  });
});
