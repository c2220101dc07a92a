import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cloneDatabase, endProcess, openEndpoint, waitFor } from '@posthorn/testing';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { root } from './docs-blocks.js';
import { type Stack, startStack } from './stack.js';
import { hasPrometheus, startPrometheus } from './start-prometheus.js';

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

const grafana = join(root, 'deploy/grafana');
const expressions = readdirSync(grafana).flatMap((file) => {
  const { panels } = JSON.parse(readFileSync(join(grafana, file), 'utf8')) as Dashboard;
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ panel: `${file}: ${title}`, expr: expr.replaceAll('$__rate_interval', '30s') })),
  );
});

describe('with a real Prometheus', () => {
  it('every query of the dashboards finds data, every alert is evaluated, and an alert notices that the last worker ended', async ({
    skip,
  }) => {
    if (!hasPrometheus()) {
      const message = '!!! THE DASHBOARDS WERE NOT TESTED: prometheus is missing. Install the package prometheus.';
      if (process.env['CI']) throw new Error(message);
      console.warn(message);
      skip(message);
    }
    const { stack, publish } = await startBusyStack();
    const prometheus = await startPrometheus({
      targets: [new URL(stack.apiUrl).host, await workerHost(stack)],
      rules: join(root, 'deploy/prometheus/rules.yml'),
    });
    onTestFinished(() => prometheus.stop());

    let without = expressions;
    await waitFor(
      async () => {
        await publish();
        const found = await Promise.all(without.map(({ expr }) => prometheus.query(expr)));
        without = without.filter((_, index) => found[index]?.length === 0);
        expect(without).toEqual([]);
        return true;
      },
      { what: 'data in every panel' },
    );
    await waitFor(
      async () => {
        const alerts = await prometheus.alerts();
        expect(Object.values(alerts).filter((state) => state instanceof Error)).toEqual([]);
        expect(alerts).toMatchObject({ PosthornNoWorkers: 'inactive', PosthornNoMetrics: 'inactive' });
        return true;
      },
      { what: 'the evaluation of every alert' },
    );

    await Promise.all(stack.workers.map(endProcess));
    // It fires after a minute.
    await waitFor(async () => (await prometheus.alerts())['PosthornNoWorkers'] !== 'inactive', {
      what: 'the alert PosthornNoWorkers',
    });
  });
});

/** A stack on which everything that the dashboards show has happened. `publish` publishes events with each outcome. */
async function startBusyStack(): Promise<{ stack: Stack; publish: () => Promise<void> }> {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  onTestFinished(() => database.drop());
  const stack = await startStack({
    backend: inject('queueBackends')[0] ?? 'postgres',
    databaseUrl: database.url,
    env: { DATABASE_READ_URL: database.url, RETRY_SCHEDULE_SECONDS: '1' },
  });
  onTestFinished(() => stack.stop());
  const [good, bad, gone] = [await openEndpoint(), await openEndpoint(), await openEndpoint()];
  for (const endpoint of [good, bad, gone]) onTestFinished(() => endpoint.close());
  bad.respondWith(500);
  gone.respondWith(410);
  const { account } = await stack.subscribe(good.url, { rateLimit: 1 });
  for (const { url } of [bad, gone]) await stack.subscribe(url, { account });

  async function publish(): Promise<void> {
    await Promise.all(
      ['message:created', 'conversation:created'].map((event) =>
        stack.publish(account, JSON.stringify({ event, payload: {} })),
      ),
    );
    await stack.call('POST', `/v1/accounts/${account}/events`, { event: 7 }, 422);
  }
  return { stack, publish };
}

async function workerHost({ logs }: Stack): Promise<string> {
  const line = await waitFor(() => logs.find((text) => text.includes('worker.started')));
  return new URL((JSON.parse(line) as { healthUrl: string }).healthUrl).host;
}
