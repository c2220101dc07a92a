import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Backend, Impossible } from './rig.js';
import { REDIS_KINDS, type RedisKind } from './rig-redis.js';
import { type Outcome, runScenario } from './run-scenario.js';
import { describeRun, type FaultRun, resultOf, saveResult } from './save-result.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { upgradeFrom } from './upgrade.js';
import { seededRandom } from '@posthorn/testing';

const USAGE = `npm run test:faults -- [--long] [--only <words of a name>] [--backend redis|postgres|both]
                       [--redis single|cluster|sentinel] [--rate N] [--seed N] [--upgrade-from <folder>]
Breaks one part at a time, at random times, under load. Then it compares the events that the producer got a 202 for with the
requests that the endpoints received. The short form, without --long, is part of npm test: it checks the counts, but not how soon
deliveries are normal again. Both forms can run beside other programs. --only selects from all faults. --redis cluster: three
nodes; one of them breaks. --redis sentinel: a primary, which breaks, a replica and three Sentinels. Both imply --backend redis.
--upgrade-from runs only an upgrade from an earlier version, a built clone in that folder, to this one.

  accepted      events with a 202               in flight     POSTs in flight at a fault
  delivered     received by all endpoints       normal after  time from the repair until events are prompt again
  lost          must be 0                       caught up     time from the repair until all waiting events are delivered
  prompt        the limit for a prompt event: 1 s, or four times the usual time before the fault
  duplicates    at most the POSTs in flight     stuck         unfinished deliveries at the end: must be 0
  repeated      publishes without a 202         CPU           of this machine, used by all programs

Results go to faults/results/. npm run docs -w @posthorn/faults writes those of complete long runs to docs/faults.md.`;

/** The flow must be normal within this many times the prompt limit: 10 s on a quiet machine. */
const NORMAL_WITHIN_PROMPTS = 10;
/** Events/s. The short form is slower, since tests run beside it. */
const RATES = { long: { redis: 200, postgres: 200 }, short: { redis: 50, postgres: 25 } };

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    backend: { type: 'string', default: 'both' },
    redis: { type: 'string', default: 'single' },
    only: { type: 'string', default: '' },
    'upgrade-from': { type: 'string' },
    rate: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', default: false },
  },
});
const redisKind = REDIS_KINDS.find((kind) => kind === values.redis);
const backends: Backend[] =
  redisKind !== 'single' ? ['redis'] : values.backend === 'both' ? ['redis', 'postgres'] : [values.backend as Backend];
if (values.help || !redisKind || backends.some((backend) => backend !== 'redis' && backend !== 'postgres')) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
const seed = Number(values.seed);
const rates = RATES[values.long ? 'long' : 'short'];
const from = values['upgrade-from'];
const isChoice = values.only !== '' || from !== undefined;
const form = isChoice ? 'chosen faults' : values.long ? 'long form' : 'short form';
console.log(`faults (${form}); --seed ${seed} repeats the same fault times, --help explains the columns\n`);
printRow(
  ['fault', 'queue'],
  [
    'events/s',
    'accepted',
    'delivered',
    'lost',
    'duplicates',
    'in flight',
    'prompt',
    'normal after',
    'caught up',
    'stuck',
    'repeated',
    'CPU',
  ],
);

let passed = 0;
const runs: FaultRun[] = [];
for (const backend of backends) {
  const chosen = from === undefined ? scenarios.filter(isChosen(backend)) : [upgradeFrom(resolve(from))];
  if (chosen.length === 0) continue;
  const queue = backend === 'redis' && redisKind !== 'single' ? (`redis-${redisKind}` as const) : backend;
  const rate = values.rate === undefined ? rates[backend] : Number(values.rate);
  const result = describeRun({
    queue,
    form: isChoice ? 'chosen' : values.long ? 'long' : 'short',
    rate,
    seed,
  });
  for (const scenario of chosen) await run(scenario, backend, redisKind, result);
  runs.push(result);
}

const namesOf = (list: 'failed' | 'notRun') =>
  runs.flatMap(({ queue, [list]: faults }) => faults.map(({ fault, reason }) => `${fault} (${queue}): ${reason}`));
const [failed, notRun] = [namesOf('failed'), namesOf('notRun')];
console.log(
  `\n${passed} passed, ${failed.length} failed. Recovery needed no manual step beyond restarting the broken part.`,
);
for (const one of failed) console.log(`FAILED: ${one}`);
if (notRun.length > 0) console.log(`\n${banner(notRun)}`);
for (const result of runs) console.log(saveResult(result));
process.exit(failed.length > 0 || passed === 0 || (notRun.length > 0 && process.env['CI']) ? 1 : 0);

function isChosen(backend: Backend): (scenario: Scenario) => boolean {
  return ({ backends: on, name, short = [], isForSingleRedis }) =>
    on.includes(backend) &&
    !(isForSingleRedis && redisKind !== 'single') &&
    (values.only === '' ? values.long || short.includes(backend) : name.includes(values.only));
}

async function run(scenario: Scenario, backend: Backend, kind: RedisKind, result: FaultRun): Promise<void> {
  const fault = scenario.name;
  const random = seededRandom(seed, `${backend} ${fault}`);
  const { rate } = result;
  let problems: string[];
  try {
    const outcome = await runScenario(scenario, backend, { redisKind: kind, rate, random, isLong: values.long });
    print(scenario, backend, rate, outcome);
    result.faults.push(resultOf(fault, outcome));
    problems = problemsOf(outcome);
  } catch (error) {
    if (error instanceof Impossible) {
      result.notRun.push({ fault, reason: error.message });
      return;
    }
    printRow([fault, backend], []);
    problems = [error instanceof Error ? error.message : String(error)];
  }
  for (const problem of problems) console.log(`    FAILED: ${problem}`);
  if (problems.length === 0) passed += 1;
  else result.failed.push({ fault, reason: problems.join('; ') });
}

/** Checks what must be true after any fault. */
function problemsOf(outcome: Outcome): string[] {
  const { lost, storedTwice, duplicates, inFlight, unexplained, promptMs, normalAfterMs, stuck, busy } = outcome;
  const machine = `the machine was ${percent(busy)} busy`;
  const limitMs = NORMAL_WITHIN_PROMPTS * promptMs;
  return [
    ...(lost > 0 ? [`${lost} accepted but not delivered`] : []),
    ...(storedTwice > 0 ? [`${storedTwice} stored twice for one idempotency key`] : []),
    ...(duplicates > inFlight ? [`${duplicates} duplicates, with ${inFlight} in flight`] : []),
    ...(unexplained > 0 ? [`requests repeated that were not in flight: ${unexplained}`] : []),
    ...(values.long && normalAfterMs > limitMs
      ? [`not normal within ${seconds(limitMs)}, but after ${seconds(normalAfterMs)}; ${machine}`]
      : []),
    ...(stuck > 0 ? [`${stuck} stuck`] : []),
  ];
}

function print({ name }: Scenario, backend: Backend, rate: number, outcome: Outcome): void {
  const {
    accepted,
    delivered,
    lost,
    duplicates,
    inFlight,
    promptMs,
    normalAfterMs,
    caughtUpAfterMs,
    stuck,
    repeated,
    busy,
  } = outcome;
  printRow(
    [name, backend],
    [
      rate,
      accepted,
      delivered,
      lost,
      duplicates,
      inFlight,
      seconds(promptMs),
      seconds(normalAfterMs),
      seconds(caughtUpAfterMs),
      stuck,
      repeated,
      percent(busy),
    ],
  );
}

function printRow([fault = '', queue = '']: string[], cells: unknown[]): void {
  console.log(fault.padEnd(62) + queue.padEnd(9) + cells.map((cell) => String(cell).padStart(13)).join(''));
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : 'never';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function banner(lines: string[]): string {
  const bar = '!'.repeat(100);
  return [bar, '!!!  FAULTS THAT DID NOT RUN', ...lines.map((line) => `!!!  ${line}`), bar].join('\n');
}
