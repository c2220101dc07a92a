import type { Backend } from './rig.js';
import type { FaultRun, Queue } from './save-result.js';
import type { Scenario } from './scenario.js';

const BLOCK = /(?<=<!-- faults -->\n)[^]*(?=<!-- \/faults -->)/;

/** Returns docs/faults.md, with what is between its two markers generated again: a table of all faults, then a table of each run. */
export function withFaults(page: string, scenarios: Scenario[], runs: FaultRun[]): string {
  if (!BLOCK.test(page)) throw new Error('docs/faults.md lacks the lines <!-- faults --> and <!-- /faults -->');
  const rows = scenarios.map(({ name, backends, short = [] }) => [name, namesOf(backends), namesOf(short)]);
  const faults = table(['fault', 'queue on', 'in `npm test`, queue on'], rows);
  return page.replace(BLOCK, () => `${[faults, ...runs.map(renderRun)].join('\n\n')}\n`);
}

const NAMES: Record<Backend, string> = { redis: 'Redis', postgres: 'Postgres' };
const namesOf = (backends: Backend[]): string => backends.map((one) => NAMES[one]).join(', ') || '–';

const QUEUE_NAMES: Record<Queue, string> = {
  redis: 'one Redis',
  'redis-cluster': 'a Redis Cluster',
  'redis-sentinel': 'Redis with Sentinels',
  postgres: 'Postgres',
};

function renderRun({ at, machine, queue, rate, seed, faults, failed }: FaultRun): string {
  const { cores, cpu, memoryGb, node } = machine;
  const reasons = new Map(failed.map(({ fault, reason }) => [fault, reason]));
  const measured = faults.map((one) => [
    one.fault,
    String(one.accepted),
    String(one.lost),
    `${one.duplicates} of ${one.inFlight}`,
    String(one.stuck),
    one.normalAfterMs === null ? 'never' : `${(one.normalAfterMs / 1_000).toFixed(1)} s`,
    reasons.get(one.fault) ?? 'passed',
  ]);
  const unmeasured = failed
    .filter(({ fault }) => !faults.some((one) => one.fault === fault))
    .map(({ fault, reason }) => [fault, '–', '–', '–', '–', '–', reason]);
  return [
    `## Results: the queue on ${QUEUE_NAMES[queue]}`,
    `Measured on ${at.slice(0, 10)} with ${rate} events per second and \`--seed ${seed}\`: ${cores} cores (${cpu}), ${memoryGb} GB, Node.js ${node}.`,
    table(
      ['fault', 'accepted', 'lost', 'duplicates of requests in flight', 'stuck', 'normal again after', 'result'],
      [...measured, ...unmeasured],
    ),
  ].join('\n\n');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
