import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Dialect, OpenDialect } from './dialect.js';
import { type Options, readOptions } from './options.js';
import { runScenario, type ScenarioResult } from './run-scenario.js';
import { continueRun, describeRun, readRun, type RunResult, saveResult } from './save-result.js';
import { scenarios } from './scenarios.js';
import { formatFound, formatGoals } from './table.js';

const WIDEST = Math.max(...scenarios.map(({ name }) => name.length));
const USAGE = `npm run bench -- [--scenario NAME,…] [options]
Starts Postgres, a queue, an API, workers and endpoints on this machine, each in its own process, and measures them.

${scenarios.map(({ name, about }) => `  ${name.padEnd(WIDEST)}  ${about}`).join('\n')}

  --scenario NAME,…   Only these scenarios. Default: all. --hostile means --scenario hostile.
  --case WORDS        Only cases whose names contain these words.
  --quick             Small counts and one repetition, to check the bench. The numbers are not meaningful.
  --repetitions N     Default: 3, or 1 with --quick. Cells have their median ± half their range.
  --backend NAME      The queue: redis or postgres. Default: redis.
  --workers N         Worker processes. Default: 1.
  --history N         Finished deliveries of the scenario history. Default: 10000000, or 50000 with --quick.
  --statements        Also prints Postgres' most expensive statements of each measurement, to standard error.
  --dialect FILE      Measures another system instead of Posthorn; see bench/src/dialect.ts.
  --continue FILE     Completes a run in which scenarios failed: measures only those, with the options of the run. FILE is its JSON.

Results go to bench/results/. docs/performance.md explains how to read them.`;

const read = readOptions(
  process.argv.slice(2),
  scenarios.map(({ name }) => name),
);
if (read.outcome === 'run') process.exitCode = await main(read.options, null);
else if (read.outcome === 'continue') {
  const before = readRun(read.file);
  process.exitCode = await main(before.options, before);
} else {
  console.log(read.outcome === 'wrong' ? `${read.message}\n\n${USAGE}` : USAGE);
  process.exitCode = read.outcome === 'wrong' ? 2 : 0;
}

/** `before`: the run to continue. */
async function main(options: Options, before: RunResult | null): Promise<number> {
  const openDialect = options.dialect === null ? null : await loadDialect(options.dialect);
  const chosen = scenarios.filter(
    ({ name, needsPosthorn }) =>
      (options.scenarios.length === 0 || options.scenarios.includes(name)) &&
      !(openDialect && needsPosthorn) &&
      !before?.scenarios.some(({ scenario }) => scenario === name),
  );
  const result: RunResult = { ...describeRun(options, options.dialect ?? 'Posthorn'), scenarios: [], failed: [] };
  console.log(describeHead(result));
  for (const scenario of chosen) {
    try {
      const one = await runScenario(scenario, options, { openDialect, progress: console.error });
      if (Object.keys(one.found).length === 0) continue; // --case selects none of its cases
      result.scenarios.push(one);
      console.log(describeScenario(one, options));
    } catch (error) {
      const failure = { scenario: scenario.name, error: String(error) };
      result.failed.push(failure);
      console.error(error);
      console.log(describeFailure(failure));
    }
  }
  const names = scenarios.map(({ name }) => name);
  const whole = before ? continueRun(before, result, names) : result;
  const text = [
    describeHead(whole),
    ...whole.scenarios.map((one) => describeScenario(one, options)),
    ...whole.failed.map(describeFailure),
  ];
  console.log(`\n${saveResult(whole, `${text.join('\n')}\n`)}.json`);
  return whole.failed.length > 0 ? 1 : 0;
}

function describeHead({ system, machine, options, at, commit, continued = [] }: RunResult): string {
  const { cores, cpu, memoryGb, node } = machine;
  const queue = options.dialect === null ? `; queue on ${options.backend}, ${options.workers} worker process(es)` : '';
  return [
    `${system} on ${cores} cores (${cpu}), ${memoryGb} GB, Node ${node}${queue}; everything on this machine`,
    `${at}, commit ${commit ?? 'unknown'}; ${describeRepetitions(options)}`,
    ...continued.map(
      (later) => `Continued ${later.at}, commit ${later.commit ?? 'unknown'}: ${later.scenarios.join(', ')}`,
    ),
  ].join('\n');
}

function describeScenario({ scenario, seconds, found, goals }: ScenarioResult, { words }: Options): string {
  const about = scenarios.find(({ name }) => name === scenario)?.about ?? '';
  const shown = goals.filter((goal) => words === '' || goal.found !== null);
  return [
    `\n## ${scenario} — ${about} (${seconds} s)\n`,
    formatFound(found),
    ...(shown.length > 0 ? [`\n${formatGoals(shown)}`] : []),
  ].join('\n');
}

function describeFailure({ scenario, error }: RunResult['failed'][number]): string {
  return `\n## ${scenario} failed: ${error.split('\n', 1)[0]}`;
}

function describeRepetitions({ repetitions }: Options): string {
  if (repetitions === 1) return 'one repetition, so without a spread';
  return `medians of ${repetitions} repetitions ± half their range`;
}

async function loadDialect(file: string): Promise<() => Promise<Dialect>> {
  const { openDialect } = (await import(pathToFileURL(resolve(file)).href)) as { openDialect?: OpenDialect };
  if (!openDialect) throw new Error(`${file} does not export openDialect. See bench/src/dialect.ts.`);
  return openDialect;
}
