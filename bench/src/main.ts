import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Dialect, OpenDialect } from './dialect.js';
import { type Options, readOptions } from './options.js';
import { runScenario } from './run-scenario.js';
import { describeRun, type RunResult, saveResult } from './save-result.js';
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

Results go to bench/results/. docs/performance.md explains how to read them.`;

const read = readOptions(
  process.argv.slice(2),
  scenarios.map(({ name }) => name),
);
if (read.outcome === 'run') process.exitCode = await main(read.options);
else {
  console.log(read.outcome === 'wrong' ? `${read.message}\n\n${USAGE}` : USAGE);
  process.exitCode = read.outcome === 'wrong' ? 2 : 0;
}

async function main(options: Options): Promise<number> {
  const openDialect = options.dialect === null ? null : await loadDialect(options.dialect);
  const chosen = scenarios.filter(
    ({ name, needsPosthorn }) =>
      (options.scenarios.length === 0 || options.scenarios.includes(name)) && !(openDialect && needsPosthorn),
  );
  const run = describeRun(options, options.dialect ?? 'Posthorn');
  const result: RunResult = { ...run, scenarios: [], failed: [] };
  const printed: string[] = [];
  function say(text: string): void {
    printed.push(text);
    console.log(text);
  }

  const { cores, cpu, memoryGb, node } = run.machine;
  const queue = openDialect ? '' : `; queue on ${options.backend}, ${options.workers} worker process(es)`;
  say(`${run.system} on ${cores} cores (${cpu}), ${memoryGb} GB, Node ${node}${queue}; everything on this machine`);
  say(`${run.at}, commit ${run.commit ?? 'unknown'}; ${describeRepetitions(options)}`);
  for (const scenario of chosen) {
    try {
      const one = await runScenario(scenario, options, { openDialect, progress: console.error });
      if (Object.keys(one.found).length === 0) continue; // --case selects none of its cases
      result.scenarios.push(one);
      say(`\n## ${scenario.name} — ${scenario.about} (${one.seconds} s)\n`);
      say(formatFound(one.found));
      const goals = one.goals.filter(({ found }) => options.words === '' || found !== null);
      if (goals.length > 0) say(`\n${formatGoals(goals)}`);
    } catch (error) {
      result.failed.push({ scenario: scenario.name, error: String(error) });
      console.error(error);
      say(`\n## ${scenario.name} failed: ${String(error).split('\n', 1)[0]}`);
    }
  }
  const path = saveResult(result, `${printed.join('\n')}\n`);
  console.log(`\n${path}.json`);
  return result.failed.length > 0 ? 1 : 0;
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
