import { fillHistory } from '../fill-history.js';
import { listGoals, openListCases } from '../history-lists.js';
import type { Case, Goal, Medians, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';
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
  about: 'Runs steady, flat-out and drain on an empty Posthorn and on one with a history, and pages through all lists.',
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
  goals: (medians) => [...COMPARED.map((compared) => goalOf(medians, compared)), ...listGoals(medians)],
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

function goalOf(medians: Medians, [name, metric]: (typeof COMPARED)[number]): Goal {
  const [empty, filled] = [medians(EMPTY + name, metric), medians(FILLED + name, metric)];
  return {
    what: `${name}: ${metric}, against empty`,
    found: empty === null || filled === null ? null : filled / empty,
    wanted: metric === 'perSecond' ? { atLeast: 1 - TOLERANCE } : { atMost: 1 + TOLERANCE },
  };
}
