import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderPage } from '../apps/docs/src/markdown.js';
import { sourcePages } from '../apps/docs/src/site-map.js';
import { findProblems } from './find-problems.js';
import { metricsAtStart, metricSeries } from './metric-series.js';

interface Alert {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}
interface Panel {
  id: number;
  title: string;
  description: string;
  datasource: { uid: string };
  fieldConfig: { defaults: { unit: string } };
  targets: { expr: string; datasource: { uid: string } }[];
}
interface Dashboard {
  uid: string;
  templating: { list: { name: string; type: string }[] };
  panels: Panel[];
}

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(root + path, 'utf8');

const { groups } = parse(read('deploy/prometheus/rules.yml')) as { groups: { rules: Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);
const dashboards = readdirSync(`${root}deploy/grafana`).map((file) => ({
  file,
  dashboard: JSON.parse(read(`deploy/grafana/${file}`)) as Dashboard,
}));
const series = metricSeries();

describe('a PromQL expression', () => {
  it.for([
    ['max(posthorn_workers_alive) == 0', []],
    ['sum by (le) (rate(posthorn_delivery_seconds_bucket{first_attempt="true"}[$__rate_interval]))', []],
    ['posthorn_workers', ['no process has the metric posthorn_workers']],
    ['posthorn_delivery_seconds', ['no process has the metric posthorn_delivery_seconds']],
    ['up{account="a"}', ['no process has the metric up', 'the metric has no label account: up{account="a"}']],
    ['sum by (state) (posthorn_workers_alive)', [expect.stringContaining('no metric has the label state')]],
    ['max(posthorn_workers_alive', [expect.stringContaining('syntax error')]],
  ] as [string, unknown[]][])('%s: names only metrics and labels that a process has', ([expression, problems]) => {
    expect(findProblems(expression, series)).toEqual(problems);
  });
});

describe('alerts', () => {
  const page = sourcePages.find(({ path }) => path === 'alerts');
  const { sections } = renderPage(
    { path: 'alerts', folder: 'docs', markdown: read(page?.file ?? '') },
    { pathOf: () => undefined, read },
  );

  it.for(alerts)('$alert: has a valid expression, a severity, plain words and a section in docs/alerts.md', (rule) => {
    expect(findProblems(rule.expr, series)).toEqual([]);
    expect(['critical', 'warning']).toContain(rule.labels.severity);
    const { summary, description, runbook_url: runbook } = rule.annotations;
    for (const text of [summary, description]) expect(text).toMatch(/^[A-Z].*\.$/);
    expect(runbook).toBe(`https://hooks.example.com/docs/alerts#${rule.alert.toLowerCase()}`);
    expect(sections.find(({ id }) => id === rule.alert.toLowerCase())?.text).toMatch(/\w/);
  });

  // An alert on the increase of a series that begins with its first increment would not notice that one. One on a part that does not
  // exist yet would compare nothing.
  it('every counter that alerts read exists from the start', async () => {
    const counters = alerts.flatMap(({ expr }) => expr.match(/posthorn_\w+_total/g) ?? []);
    expect([...new Set(counters)].toSorted()).toEqual(['posthorn_attempts_total', 'posthorn_enqueue_failures_total']);
    const text = await metricsAtStart();
    expect(text).toMatch(/^posthorn_attempts_total\{.*outcome="ok".*\} 0$/m);
    expect(text).toMatch(/^posthorn_enqueue_failures_total\{queue="deliver"\} 0$/m);
  });

  it('docs/alerts.md explains no other alert', () => {
    const explained = sections.map(({ heading }) => heading).filter((heading) => heading.startsWith('Posthorn'));
    expect(explained.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  it('promtool accepts the rules and their tests, which test every alert', ({ skip }) => {
    const tests = read('deploy/prometheus/rules.test.yml');
    expect(alerts.map(({ alert }) => alert).filter((name) => !tests.includes(name))).toEqual([]);

    const promtool = (...args: string[]) =>
      spawnSync('promtool', args, { cwd: `${root}deploy/prometheus`, encoding: 'utf8' });
    if (promtool('--version').error) {
      const message = '!!! THE TESTS OF THE ALERTS DID NOT RUN: promtool is missing. Install the package prometheus.';
      if (process.env['CI']) throw new Error(message);
      console.warn(message);
      skip(message);
    }
    for (const args of [
      ['check', 'rules', 'rules.yml'],
      ['test', 'rules', 'rules.test.yml'],
    ]) {
      const { status, stdout, stderr } = promtool(...args);
      expect([status, stdout + stderr]).toEqual([0, expect.any(String)]);
    }
  });
});

describe.for(dashboards)('deploy/grafana/$file', ({ file, dashboard: { uid, templating, panels } }) => {
  it('has its own id, and a variable for the data source', () => {
    expect(uid).toBe(`posthorn-${file.replace('.json', '')}`);
    expect(templating.list).toEqual([expect.objectContaining({ name: 'datasource', type: 'datasource' })]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it.for(panels)('$title: has a description, a unit and valid expressions', (panel) => {
    expect(panel.description).toMatch(/\.$/);
    expect(panel.fieldConfig.defaults.unit).toMatch(/^(none|s|ops|reqps|percentunit)$/);
    expect(panel.targets.length).toBeGreaterThan(0);
    for (const { uid: source } of [panel.datasource, ...panel.targets.map(({ datasource }) => datasource)])
      expect(source).toBe('${datasource}');
    expect(panel.targets.flatMap(({ expr }) => findProblems(expr, series))).toEqual([]);
  });
});
