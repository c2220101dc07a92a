import { formatOf, orderMetrics } from './metrics.js';
import { isReached } from './goal.js';
import type { Goal } from './scenario.js';
import type { Summary } from './statistics.js';

/** The rows of a scenario: the metrics of each case, summarized over the repetitions. */
export type Found = Record<string, Record<string, Summary | null>>;

export interface Table {
  head: string[];
  rows: string[][];
}

/** What the system reaches, then what each delivery costs. A cell has the median and, for several repetitions, the spread. */
export function tablesOf(found: Found): Table[] {
  const names = orderMetrics(Object.values(found).flatMap((metrics) => Object.keys(metrics)));
  const tables = (['reach', 'cost'] as const).map((group) => {
    const columns = names.filter((name) => formatOf(name).group === group);
    const rows = Object.entries(found)
      .filter(([, metrics]) => columns.some((name) => name in metrics))
      .map(([name, metrics]) => [name, ...columns.map((column) => cell(metrics[column] ?? null, column))]);
    const first = group === 'reach' ? '' : 'per delivery';
    return { head: [first, ...columns.map((name) => formatOf(name).title)], rows };
  });
  return tables.filter(({ rows }) => rows.length > 0);
}

export function goalsTable(goals: Goal[]): Table {
  const rows = goals.map((goal) => [
    goal.what,
    describeWanted(goal.wanted),
    goal.found === null ? '–' : plain(goal.found),
    { true: 'reached', false: 'missed', null: 'not measured' }[String(isReached(goal))] ?? '',
  ]);
  return { head: ['goal', 'target', 'found', ''], rows };
}

export const formatFound = (found: Found): string =>
  tablesOf(found)
    .map(({ head, rows }) => formatTable(head, rows))
    .join('\n\n');

export function formatGoals(goals: Goal[]): string {
  const { head, rows } = goalsTable(goals);
  return formatTable(head, rows);
}

function describeWanted(wanted: Goal['wanted']): string {
  if ('exactly' in wanted) return `= ${wanted.exactly}`;
  return 'atMost' in wanted ? `≤ ${wanted.atMost}` : `≥ ${wanted.atLeast}`;
}

/** Aligns the first column left and the others right, each as wide as its content. */
export function formatTable(head: string[], rows: string[][]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cell(summary: Summary | null, metric: string): string {
  if (summary === null) return '–';
  const text = summary.median.toFixed(formatOf(metric).digits);
  return summary.spread === 0 ? text : `${text} ±${Math.round(summary.spread * 100)}%`;
}

/** Three significant digits, and whole numbers from 100 on. */
function plain(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
