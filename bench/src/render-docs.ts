import type { RunResult } from './save-result.js';
import { goalsTable, type Table, tablesOf } from './table.js';

const BLOCK = /(?<=<!-- benchmarks -->\n)[^]*(?=<!-- \/benchmarks -->)/;

/** Returns docs/benchmarks.md with the numbers of the last full run, between its two markers, generated again. `full`: null if no
 *  full run is stored; then the numbers are the section "Current numbers" of docs/performance.md. */
export function withBenchmarks(
  page: string,
  { full, performance }: { full: RunResult | null; performance: string },
): string {
  if (!BLOCK.test(page))
    throw new Error('docs/benchmarks.md lacks the lines <!-- benchmarks --> and <!-- /benchmarks -->');
  return page.replace(BLOCK, () => `${full ? renderRun(full) : currentNumbers(performance)}\n`);
}

function currentNumbers(performance: string): string {
  const section = /^## Current numbers\n[^]*?\n\|[^]*?(?=\n\n)/m.exec(performance)?.[0];
  if (!section) throw new Error('docs/performance.md lacks the section "Current numbers" with its table');
  return section;
}

function renderRun({ at, machine, options: { repetitions }, scenarios }: RunResult): string {
  const { cores, cpu, memoryGb, node } = machine;
  const cells =
    repetitions === 1
      ? 'Each case ran once, after its warm-up.'
      : 'A cell has the median and half the range of the repetitions.';
  const head = `Measured on ${at.slice(0, 10)}: ${cores} cores (${cpu}), ${memoryGb} GB, Node.js ${node}. ${cells}`;
  return [head, ...scenarios.map(renderScenario)].join('\n\n');
}

function renderScenario({ scenario, found, goals }: RunResult['scenarios'][number]): string {
  const tables = [...tablesOf(found), ...(goals.length > 0 ? [goalsTable(goals)] : [])];
  return [`## ${scenario}`, ...tables.map(asMarkdown)].join('\n\n');
}

function asMarkdown({ head, rows }: Table): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
