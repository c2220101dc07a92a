import { toUuid } from '@posthorn/contract';
import { endProcess, openEndpoint, waitFor } from '@posthorn/testing';
import { findFreePort } from '@posthorn/embedded';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Collector, openCollector, type ReceivedSpan } from './collector.js';
import { blocksFor } from './docs-blocks.js';
import { type Stack, startStack } from './stack.js';

const [backend = 'postgres'] = inject('queueBackends');
const COLLECTOR_KEY = 'the-key-of-the-collector';

/** The variables of docs/operate.md, with the address and the key of the test's collector. */
const documented = ({ endpoint }: Pick<Collector, 'endpoint'>): Record<string, string> => ({
  ...Object.fromEntries(
    blocksFor('e2e/telemetry.test.ts').flatMap(({ code }) =>
      code.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${COLLECTOR_KEY}`,
});

const traceOf = (eventId: string): string => (toUuid('evt', eventId) ?? '').replaceAll('-', '');

/** The spans of a trace, once there are `count`. */
const spansOf = (collector: Collector, traceId: string, count: number): Promise<ReceivedSpan[]> =>
  waitFor(
    () => {
      const found = collector.spans.filter((span) => span.traceId === traceId);
      return found.length >= count && found;
    },
    { what: `${count} spans of a trace` },
  );

describe('with a collector', () => {
  let collector: Collector;
  let stack: Stack;
  beforeAll(async () => {
    collector = await openCollector();
    const env = { ...documented(collector), RETRY_SCHEDULE_SECONDS: '2,1', OTEL_METRIC_EXPORT_INTERVAL: '500' };
    stack = await startStack({ backend, env });
  });
  afterAll(async () => {
    await stack?.stop();
    await collector?.close();
  });

  it('a request with a traceparent gets a span in the trace of its caller, linked with the event’s trace', async () => {
    const endpoint = await openEndpoint();
    const { account } = await stack.subscribe(endpoint.url);
    const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
    const publish = (flags: string, key: string) =>
      stack.publish(account, '{"event":"message:created","payload":{}}', {
        traceparent: `00-${caller.traceId}-${caller.spanId}-${flags}`,
        'idempotency-key': key,
      });

    const { id } = await publish('01', 'one');
    await publish('01', 'one'); // repeats the first
    const unsampled = await publish('00', 'two');
    const [, , root] = await spansOf(collector, traceOf(id), 3).then((spans) =>
      spans.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );
    await spansOf(collector, traceOf(unsampled.id), 3);
    const requests = await spansOf(collector, caller.traceId, 2);

    const { traceId, spanId } = root ?? {};
    expect(requests).toHaveLength(2);
    for (const request of requests) {
      expect(request).toMatchObject({
        name: 'POST /v1/accounts/:account/events',
        parentSpanId: caller.spanId,
        links: [{ traceId, spanId }],
      });
    }
    expect(root).toMatchObject({ name: 'publish', parentSpanId: '' });
    expect(requests.map((request) => request.spanId)).toContain(root?.links[0]?.spanId);
    // Off by default.
    for (const { headers } of endpoint.events) expect(headers).not.toHaveProperty('traceparent');
    await endpoint.close();
  });

  it('a publish, its deliveries and their attempts are one trace, also when another worker makes the retry', async () => {
    const [byDefault] = stack.workers;
    if (byDefault) await endProcess(byDefault);
    const from = collector.spans.length;
    const sending = { SEND_TRACEPARENT: 'true' };
    const worker = await stack.startWorker(sending);
    const [steady, flaky] = [await openEndpoint(), await openEndpoint()];
    flaky.respondWith(503, 200);
    const { account, secret } = await stack.subscribe(`${steady.url}/path-secret?token=query-secret`, {
      headers: { 'x-token': 'header-secret' },
    });
    await stack.subscribe(flaky.url, { account });

    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"text":"payload-secret"}}');
    await waitFor(() => flaky.events.length === 1);
    await endProcess(worker);
    expect(worker.exitCode).toBe(0);
    await stack.startWorker(sending);
    const spans = await spansOf(collector, traceOf(id), 7);

    const named = (name: string) => spans.filter((span) => span.name === name);
    const [publish] = named('publish');
    expect(spans.map(({ name }) => name).toSorted()).toEqual([
      'attempt',
      'attempt',
      'attempt',
      'deliver',
      'deliver',
      'deliver',
      'publish',
    ]);
    expect(publish).toMatchObject({
      service: 'posthorn-api',
      parentSpanId: '',
      kind: 2,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/v1/accounts/:account/events',
        'http.response.status_code': 202,
        'posthorn.account.id': account,
        'posthorn.event.id': id,
        'posthorn.event.type': 'message:created',
        'posthorn.event.deliveries': 2,
      },
    });
    for (const deliver of named('deliver')) {
      expect(deliver).toMatchObject({ service: 'posthorn-worker', parentSpanId: publish?.spanId, kind: 5 });
      expect(deliver.startMs).toBeLessThanOrEqual(deliver.endMs);
      const [link] = deliver.links;
      const job = await waitFor(() => collector.spans.find(({ spanId }) => spanId === link?.spanId));
      expect(job).toMatchObject({ name: expect.stringMatching(/^job (deliver|retry)$/), traceId: link?.traceId });
      expect(job.attributes).toMatchObject({ 'messaging.system': 'bullmq' });
    }
    const attempts = named('attempt');
    const deliverIds = named('deliver').map(({ spanId }) => spanId);
    expect(attempts.map(({ parentSpanId }) => parentSpanId).toSorted()).toEqual(deliverIds.toSorted());
    const outcomes = attempts.map(({ attributes, hasFailed }) => [
      ...['posthorn.attempt.number', 'posthorn.attempt.outcome', 'http.response.status_code'].map(
        (key) => attributes[key],
      ),
      hasFailed,
    ]);
    expect(outcomes.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
      [1, 'http_error', 503, true],
      [1, 'ok', 200, false],
      [2, 'ok', 200, false],
    ]);
    for (const { kind, attributes } of attempts) {
      expect(kind).toBe(3);
      expect(attributes).toMatchObject({ 'http.request.method': 'POST', 'server.address': '127.0.0.1' });
    }

    // The endpoints can continue the trace.
    const received = [...steady.events, ...flaky.events].map(({ headers }) => headers['traceparent']);
    const sent = attempts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
    expect(received.toSorted()).toEqual(sent.toSorted());

    const verifications = collector.spans.slice(from).filter(({ name }) => name === 'verify');
    expect(verifications.map(({ attributes }) => attributes['posthorn.verification.status'])).toEqual([
      'verified',
      'verified',
    ]);

    // The metrics have the names of /metrics.
    const attempted = () =>
      collector.metrics.findLast(
        ({ service, name }) => service === 'posthorn-worker' && name === 'posthorn_attempts_total',
      );
    await waitFor(() => attempted()?.points.some(({ attributes }) => attributes['kind'] === 'delivery'));
    await waitFor(() =>
      collector.metrics.find(
        ({ service, name }) => service === 'posthorn-api' && name === 'posthorn_events_accepted_total',
      ),
    );
    expect(collector.metrics.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['posthorn_attempt_duration_seconds', 'posthorn_queue_jobs', 'process_cpu_seconds_total']),
    );
    expect(collector.resources.get('posthorn-worker')).toMatchObject({
      'service.instance.id': expect.any(String),
      'deployment.environment.name': 'production',
    });

    await stack.stop();
    expect([...collector.authorizations]).toEqual([`Bearer ${COLLECTOR_KEY}`]);
    for (const text of [...collector.bodies, ...stack.logs]) {
      for (const hidden of ['path-secret', 'query-secret', 'header-secret', 'payload-secret', COLLECTOR_KEY, secret])
        expect(text).not.toContain(hidden);
    }
    expect(stack.logs.join('\n')).not.toContain('telemetry.lost');
    await Promise.all([steady, flaky].map((one) => one.close()));
  });
});

it('delivers everything and ends normally while the collector is down', async () => {
  const endpoint = await openEndpoint();
  const env = documented({ endpoint: `http://127.0.0.1:${await findFreePort()}` });
  const stack = await startStack({ backend, env: { ...env, NODE_OPTIONS: PRINT_LOADS } });
  const { account } = await stack.subscribe(endpoint.url);
  for (let n = 0; n < 20; n += 1) await stack.publish(account, '{"event":"message:created","payload":{}}');
  await waitFor(() => endpoint.events.length === 20);
  await stack.stop();
  expect([stack.api, ...stack.workers].map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  const lost = stack.logs.filter((line) => line.includes('telemetry.lost'));
  expect(lost.length).toBeGreaterThan(0);
  expect(lost.join('\n')).not.toContain(COLLECTOR_KEY);
  expect(telemetryOf(stack)).toEqual([
    expect.stringMatching(/packages\/telemetry\/dist\/open-sdk\.js$/),
    expect.stringMatching(/packages\/telemetry\/dist\/open-sdk\.js$/),
  ]);
  await endpoint.close();
});

it('loads no OpenTelemetry without a collector', async () => {
  const stack = await startStack({ backend, env: { NODE_OPTIONS: PRINT_LOADS } });
  const endpoint = await openEndpoint();
  const { account } = await stack.subscribe(endpoint.url);
  await stack.publish(account, '{"event":"message:created","payload":{}}');
  await waitFor(() => endpoint.events.length === 1);
  await stack.stop();
  expect(stack.logs.some((line) => line.startsWith('loads '))).toBe(true);
  expect(telemetryOf(stack)).toEqual([]);
  await endpoint.close();
});

/** Makes Node print the URL of every module that it resolves for an import. */
const PRINT_LOADS = (() => {
  const hooks = `import { writeSync } from 'node:fs';
    export async function resolve(specifier, context, next) {
      const found = await next(specifier, context);
      writeSync(2, 'loads ' + found.url + String.fromCharCode(10));
      return found;
    }`;
  const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hooks))});`;
  return `--import=${dataUrl(register)}`;
})();

const telemetryOf = ({ logs }: Stack) =>
  logs.filter((line) => line.startsWith('loads ')).filter((line) => /telemetry\/|@opentelemetry/.test(line));
