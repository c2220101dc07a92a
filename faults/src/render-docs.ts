import type { Backend } from './rig.js';
import type { Scenario } from './scenario.js';

const BLOCK = /(?<=<!-- faults -->\n)[^]*(?=<!-- \/faults -->)/;

/** Returns docs/faults.md with the table of all faults, between its two markers, generated again. */
export function withFaults(page: string, scenarios: Scenario[]): string {
  if (!BLOCK.test(page)) throw new Error('docs/faults.md lacks the lines <!-- faults --> and <!-- /faults -->');
  const rows = scenarios.map(
    ({ name, backends, short = [] }) => `| ${name} | ${namesOf(backends)} | ${namesOf(short)} |`,
  );
  return page.replace(BLOCK, () =>
    ['| fault | queue on | in `npm test`, queue on |', '|---|---|---|', ...rows, ''].join('\n'),
  );
}

const NAMES: Record<Backend, string> = { redis: 'Redis', postgres: 'Postgres' };
const namesOf = (backends: Backend[]): string => backends.map((one) => NAMES[one]).join(', ') || '–';
