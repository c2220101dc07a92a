import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openSdk } from './open-sdk.js';
import { newSpanIds } from './span-ids.js';
import type { FinishedSpan, SamplerName } from './telemetry.js';

const SECRET = 'a-secret-of-the-collector';

function open({ endpoint = 'http://127.0.0.1:9', sampler = 'always_on', samplerArg = 1 }: Partial<Options> = {}) {
  const lines: { message: string; fields: object }[] = [];
  const settings = { endpoint, sampler, samplerArg, headers: { authorization: SECRET } };
  const telemetry = openSdk(
    { ...settings, serviceName: 'posthorn-worker', resourceAttributes: {}, metricIntervalMs: 60_000 },
    { app: 'worker', version: '1.2.3', log: { warn: (fields, message) => void lines.push({ message, fields }) } },
  );
  return { telemetry, lines };
}
interface Options {
  endpoint: string;
  sampler: SamplerName;
  samplerArg: number;
}

const span = (): FinishedSpan => ({
  name: 'deliver',
  kind: 'consumer',
  ids: newSpanIds(),
  parent: null,
  startedAtMs: 1_700_000_000_000.25,
  durationMs: 1.5,
  attributes: {},
});

/** A collector that accepts connections and never responds. */
async function openHangingCollector() {
  const requests: string[] = [];
  const server = createServer((request) => {
    requests.push(request.url ?? '');
    request.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { requests, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close };
}

describe('isSampled', () => {
  // Trace ids of events are UUIDv7: their first 48 bits are a time.
  const traceIds = Array.from({ length: 5_000 }, () => `01936f0e7c1a7${newSpanIds().traceId.slice(13)}`);

  it('samples the given share of UUIDv7s, and the same ones in every process', () => {
    const [api, worker] = [0, 1].map(() => open({ sampler: 'parentbased_traceidratio', samplerArg: 0.25 }).telemetry);
    const sampled = traceIds.filter((id) => api?.isSampled(id));
    expect(traceIds.filter((id) => worker?.isSampled(id))).toEqual(sampled);
    expect(sampled.length / traceIds.length).toBeGreaterThan(0.15);
    expect(sampled.length / traceIds.length).toBeLessThan(0.35);
  });

  it.each<[SamplerName, boolean, boolean, boolean]>([
    ['always_on', true, true, true],
    ['always_off', false, false, false],
    ['traceidratio', true, true, true],
    ['parentbased_always_on', true, true, false],
    ['parentbased_always_off', false, true, false],
    ['parentbased_traceidratio', true, true, false],
  ])('%s: without a caller %s, with a sampled caller %s, with another caller %s', (sampler, alone, with1, with0) => {
    const { telemetry } = open({ sampler });
    const ids = newSpanIds();
    expect([
      telemetry.isSampled(ids.traceId),
      telemetry.isSampled(ids.traceId, { ...ids, isSampled: true }),
      telemetry.isSampled(ids.traceId, { ...ids, isSampled: false }),
    ]).toEqual([alone, with1, with0]);
  });
});

describe('without a working collector', () => {
  it('drops spans beyond the queue, counts all that it could not send, and closes although the collector hangs', async () => {
    const collector = await openHangingCollector();
    const { telemetry, lines } = open({ endpoint: collector.endpoint });
    for (let n = 0; n < 10_000; n += 1) telemetry.record(span());
    await telemetry.close();
    const lost = lines.map(({ fields }) => fields as { spans: number; reason: string });
    expect(lines.map(({ message }) => message)).toEqual(['telemetry.lost', 'telemetry.lost']);
    expect(lost.map(({ spans }) => spans)).toEqual([1, 10_000 - 1]);
    expect(lost.map(({ reason }) => reason)).toEqual(['queue_full', 'shutdown']);
    expect(new Set(collector.requests)).toEqual(new Set(['/v1/traces']));
    await collector.close();
  });

  it('logs what was lost without the headers, and never throws', async () => {
    const { telemetry, lines } = open();
    telemetry.record(span());
    telemetry.exportMetrics(() => Promise.reject(new Error(SECRET)));
    await telemetry.close();
    expect(lines.map(({ message }) => message)).toEqual(['telemetry.lost', 'telemetry.lost']);
    expect(lines.map(({ fields }) => fields)).toEqual([
      { spans: 0, metricExports: 1, reason: 'failed' },
      { spans: 1, metricExports: 0, reason: 'shutdown' },
    ]);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });
});
