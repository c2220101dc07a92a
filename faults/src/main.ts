import { parseArgs } from 'node:util';
import type { Backend } from './rig.js';
import { type Outcome, runScenario } from './run-scenario.js';
import { scenarios } from './scenarios.js';

const USAGE = `npm run test:faults -- [--short] [--backend redis|postgres|both] [--only <words of a scenario's name>] [--rate 200] [--seed N]
Breaks one part at a time under load and compares two ledgers: the producer's of every 202, the receiver's of every request.
"no fault" is the control: where it is not normal at once, the machine is too small for the rate.`;

const MAX_NORMAL_AFTER_MS = 10_000;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    backend: { type: 'string', default: 'both' },
    only: { type: 'string', default: '' },
    rate: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', default: false },
  },
});
const backends: Backend[] = values.backend === 'both' ? ['redis', 'postgres'] : [values.backend as Backend];
if (values.help || backends.some((backend) => backend !== 'redis' && backend !== 'postgres')) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
const seed = Number(values.seed);
const options = {
  rate: Number(values.rate),
  random: mulberry32(seed),
  outageMs: values.short ? 6_000 : 30_000,
  beforeMs: values.short ? 2_000 : 5_000,
  afterMs: values.short ? 5_000 : 15_000,
};
console.log(`seed ${seed}: npm run test:faults -- --seed ${seed} chooses the same moments again\n`);
const columns = ['accepted', 'repeated', 'lost', 'duplicates', 'in flight', 'normal after', 'stuck'];
console.log(`${'fault'.padEnd(56)}${'queue'.padEnd(10)}${columns.map((column) => column.padStart(13)).join('')}`);

const outcomes: Outcome[] = [];
for (const backend of backends) {
  for (const scenario of scenarios) {
    if (!scenario.backends.includes(backend) || (values.short && !scenario.isShort)) continue;
    if (!scenario.name.includes(values.only)) continue;
    const outcome = await runScenario(scenario, backend, options);
    outcomes.push(outcome);
    print(outcome);
  }
}
const bad = outcomes.filter((outcome) => faultsOf(outcome).length > 0);
console.log(`\n${outcomes.length - bad.length} passed, ${bad.length} failed`);
process.exit(bad.length === 0 && outcomes.length > 0 ? 0 : 1);

/** What must hold, whatever breaks. */
function faultsOf({ lost, duplicates, inFlight, normalAfterMs, stuck }: Outcome): string[] {
  return [
    ...(lost > 0 ? [`${lost} accepted and never delivered`] : []),
    ...(duplicates > inFlight ? [`${duplicates} duplicates, with ${inFlight} in flight`] : []),
    ...(normalAfterMs > MAX_NORMAL_AFTER_MS ? [`normal only after ${normalAfterMs} ms`] : []),
    ...(stuck > 0 ? [`${stuck} stuck`] : []),
  ];
}

function print(outcome: Outcome): void {
  const { scenario, backend, accepted, repeated, lost, duplicates, inFlight, normalAfterMs, stuck } = outcome;
  const cells = [accepted, repeated, lost, duplicates, inFlight, `${(normalAfterMs / 1_000).toFixed(1)} s`, stuck];
  console.log(`${scenario.padEnd(56)}${backend.padEnd(10)}${cells.map((cell) => String(cell).padStart(13)).join('')}`);
  for (const fault of faultsOf(outcome)) console.log(`    FAILED: ${fault}`);
}

/** A small generator of random numbers in [0, 1) that a seed determines (mulberry32, public domain, by Tommy Ettinger). */
function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
