import { toTypeId } from '@posthorn/contract';
import { fillHistory, type History } from '../fill-history.js';
import type { Case, Goal, Medians, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';
import { percentiles } from '../statistics.js';
import { openDrainCase } from './drain.js';
import { openFlatOutCases } from './flat-out.js';
import { openSteadyCases } from './steady.js';

const OTHER_ACCOUNTS = 200;
const EMPTY = 'empty: ';
const FILLED = 'history: ';
/** The share by which a history may slow Posthorn down. */
const TOLERANCE = 0.1;
const COMPARED = [
  ['200/s', 'p50Ms'],
  ['200/s', 'systemUs'],
  ['one event per request', 'perSecond'],
  ['100 events per request', 'perSecond'],
  ['a backlog of one subscription', 'perSecond'],
] as const;

export const history: Scenario = {
  name: 'history',
  about: 'Runs steady, flat-out and drain on an empty Posthorn and on one with a history, and pages through its lists.',
  needsPosthorn: true,
  maxMinutes: 120,
  async prepare(tools) {
    const [empty, filled] = [await tools.startPosthorn(), await tools.startPosthorn()];
    await filled.stopWorkers();
    const start = performance.now();
    const written = await fillHistory({
      databaseUrl: filled.databaseUrl,
      deliveries: tools.historySize,
      otherAccounts: OTHER_ACCOUNTS,
      progress: () => tools.signal.throwIfAborted(),
    });
    const seconds = Math.round((performance.now() - start) / 1_000);
    tools.progress(`history: wrote ${tools.historySize} deliveries in ${seconds} s`);
    await filled.startWorkers();
    return [
      ...(await openCases(tools, empty, EMPTY)),
      ...(await openCases(tools, filled, FILLED)),
      ...openListCases(filled, written, tools.isQuick ? 10 : 40),
    ];
  },
  goals: (medians) => [
    ...COMPARED.map((compared) => goalOf(medians, compared)),
    ...listFilters([]).map(listGoal(medians)),
  ],
};

async function openCases(tools: Tools, posthorn: Posthorn, prefix: string): Promise<Case[]> {
  const events = tools.isQuick ? 1_000 : 10_000;
  const seconds = tools.isQuick ? 4 : 20;
  return [
    ...(await openSteadyCases(tools, posthorn, { rates: [200], seconds, prefix })),
    ...(await openFlatOutCases(tools, posthorn, { events, prefix })),
    await openDrainCase(tools, posthorn, { events, prefix }),
  ];
}

function goalOf(medians: Medians, [name, figure]: (typeof COMPARED)[number]): Goal {
  const [empty, filled] = [medians(EMPTY + name, figure), medians(FILLED + name, figure)];
  return {
    what: `${name}: ${figure}, against empty`,
    found: empty === null || filled === null ? null : filled / empty,
    wanted: figure === 'perSecond' ? { atLeast: 1 - TOLERANCE } : { atMost: 1 + TOLERANCE },
  };
}

/** Pages through the busy account's list with each filter, 50 at a time. */
function openListCases(posthorn: Posthorn, { account, subscriptions }: History, pages: number): Case[] {
  return listFilters(subscriptions.map((id) => toTypeId('sub', id))).map(({ name, query }) => ({
    name,
    async measure() {
      const tookMs: number[] = [];
      let cursor: string | null = '';
      while (cursor !== null && tookMs.length < pages) {
        const from = performance.now();
        const path: string = `/v1/accounts/${account}/deliveries?limit=50&${query}${cursor && `&cursor=${cursor}`}`;
        const { status, text } = await posthorn.call('GET', path);
        tookMs.push(performance.now() - from);
        if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
        cursor = (JSON.parse(text) as { nextCursor: string | null }).nextCursor;
      }
      return { ...percentiles(tookMs) };
    },
  }));
}

const listGoal =
  (medians: Medians) =>
  ({ name }: { name: string }): Goal => ({
    what: `${name}: p95 ms of a page`,
    found: medians(name, 'p95Ms'),
    wanted: { atMost: 100 },
  });

function listFilters([one = '', another = '']: string[]): { name: string; query: string }[] {
  const dayAgo = new Date(Date.now() - 24 * 60 * 60 * 1_000).toISOString();
  const filters = {
    all: '',
    succeeded: 'status=succeeded',
    failed: 'status=failed',
    'held and canceled': 'status=held&status=canceled',
    'a rare type': 'eventType=conversation:created',
    'a type that never came': 'eventType=never:came',
    'timed out': 'outcome=timeout',
    'of a webhook': `subscription=${one}`,
    'failed of two webhooks': `status=failed&subscription=${one}&subscription=${another}`,
    'of a day': `from=${dayAgo}`,
    'a rare type of a webhook': `eventType=conversation:created&subscription=${another}`,
    'a type that a webhook never got': `eventType=conversation:created&subscription=${one}`,
    'two types of two webhooks': `eventType=conversation:created&eventType=message:created&subscription=${one}&subscription=${another}`,
  };
  return Object.entries(filters).map(([name, query]) => ({ name: `list: ${name}`, query }));
}
