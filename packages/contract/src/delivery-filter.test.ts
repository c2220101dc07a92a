import { expect, it } from 'vitest';
import { FILTER_PLURALS } from './delivery-filter.js';
import { DeliveryCountQuery, DeliveryExportQuery, DeliveryQuery } from './delivery.js';
import { StartReplay, StartReplayOfAccounts } from './replay.js';

/** The names in the body of a replay, by those in a query. */
const IN_A_REPLAY: Record<string, string> = { ...FILTER_PLURALS, from: 'since', to: 'until' };
const namesOf = (schema: { shape: object }, others: string[]): string[] =>
  Object.keys(schema.shape)
    .filter((name) => !others.includes(name))
    .map((name) => IN_A_REPLAY[name] ?? name)
    .toSorted();

it('a replay, the list of deliveries, its count and its export have the same filters', () => {
  const listed = namesOf(DeliveryQuery, ['limit', 'cursor']);
  expect(listed).toContain('statusCodes');
  expect(namesOf(DeliveryCountQuery, [])).toEqual(listed);
  expect(namesOf(DeliveryExportQuery, ['format'])).toEqual(listed);
  expect(namesOf(StartReplay, ['which', 'dryRun'])).toEqual(listed);
  // An event belongs to one account.
  const ofAccounts = namesOf(StartReplayOfAccounts, ['which', 'dryRun', 'accounts']);
  expect(ofAccounts).toEqual(listed.filter((name) => name !== 'event'));
});

it('a replay of missed events refuses the filters that only deliveries have, and names each', () => {
  const body = {
    which: 'missed',
    since: '2026-11-20T00:00:00Z',
    statuses: ['failed'],
    outcomes: ['timeout'],
    statusCodes: ['5xx'],
    triggers: ['auto'],
    replay: 'rpl_01jd4q8y3ne9mav5w2xkq7rf0c',
  };
  const { error } = StartReplay.safeParse(body);
  expect(error?.issues.map(({ path }) => path[0])).toEqual([
    'statuses',
    'outcomes',
    'statusCodes',
    'triggers',
    'replay',
  ]);
  expect(StartReplay.safeParse({ ...body, which: 'failed' }).success).toBe(true);
});

it('needs a time, an event or a replay: otherwise a replay would be of everything', () => {
  const paths = (body: object) => StartReplay.safeParse(body).error?.issues.map(({ path }) => path[0]);
  expect(paths({ which: 'failed', statusCodes: ['5xx'] })).toEqual(['since']);
  expect(paths({ which: 'failed', replay: 'rpl_01jd4q8y3ne9mav5w2xkq7rf0c' })).toBeUndefined();
  expect(paths({ which: 'failed', event: 'evt_01jd4q8y3ne9mav5w2xkq7rf0c' })).toBeUndefined();
});
