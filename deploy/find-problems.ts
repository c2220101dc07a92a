import { parser } from '@prometheus-io/lezer-promql';

/** The labels of each series that Prometheus stores. */
export type Series = ReadonlyMap<string, readonly string[]>;

/** What Prometheus adds to every series. */
const TARGET_LABELS = ['instance', 'job'];

/** Returns what is wrong with a PromQL expression: its syntax, a metric that no process has, or a label that its metrics lack. */
export function findProblems(expression: string, series: Series): string[] {
  const text = expression.replaceAll('$__rate_interval', '5m'); // a variable of Grafana
  const problems: string[] = [];
  const labelsOfAll = new Set(TARGET_LABELS);
  const grouped: string[] = [];
  let labels: readonly string[] = [];
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      const word = text.slice(from, to);
      if (type.isError) problems.push(`syntax error at ${from}: ${text}`);
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') {
        labels = series.get(word) ?? [];
        if (!series.has(word)) problems.push(`no process has the metric ${word}`);
        for (const label of labels) labelsOfAll.add(label);
      }
      if (type.name !== 'LabelName') return;
      if (node.parent?.name === 'GroupingLabels') grouped.push(word);
      else if (![...labels, ...TARGET_LABELS].includes(word)) problems.push(`the metric has no label ${word}: ${text}`);
    },
  });
  for (const label of grouped) if (!labelsOfAll.has(label)) problems.push(`no metric has the label ${label}: ${text}`);
  return problems;
}
