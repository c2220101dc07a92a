import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as the collector received it, with its attributes as an object. */
export interface ReceivedSpan {
  service: string;
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startMs: number;
  endMs: number;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  hasFailed: boolean;
}

export interface ReceivedMetric {
  service: string;
  name: string;
  points: { attributes: Record<string, unknown>; value: number }[];
}

export interface Collector {
  endpoint: string;
  spans: ReceivedSpan[];
  metrics: ReceivedMetric[];
  /** The attributes of the services, by name. */
  resources: Map<string, Record<string, unknown>>;
  /** Everything that arrived, as text. */
  bodies: string[];
  authorizations: Set<string | undefined>;
  close(): Promise<void>;
}

/** A real receiver of OTLP over HTTP with JSON, as an OpenTelemetry collector has it. */
export async function openCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      collector.bodies.push(text);
      collector.authorizations.add(request.headers.authorization);
      const body = JSON.parse(text) as Body;
      if (request.url === '/v1/traces') for (const one of body.resourceSpans ?? []) readSpans(one);
      if (request.url === '/v1/metrics') for (const one of body.resourceMetrics ?? []) readMetrics(one);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const collector: Collector = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    metrics: [],
    resources: new Map(),
    bodies: [],
    authorizations: new Set(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  function serviceOf({ attributes }: Resource): string {
    const found = toObject(attributes);
    const service = String(found['service.name']);
    collector.resources.set(service, found);
    return service;
  }

  function readSpans({ resource, scopeSpans }: ResourceSpans): void {
    const service = serviceOf(resource);
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      collector.spans.push({
        service,
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        attributes: toObject(span.attributes),
        links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
        hasFailed: span.status?.code === 2,
      });
    }
  }

  function readMetrics({ resource, scopeMetrics }: ResourceMetrics): void {
    const service = serviceOf(resource);
    for (const { name, sum, gauge, histogram } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
      const points = [...(sum?.dataPoints ?? []), ...(gauge?.dataPoints ?? []), ...(histogram?.dataPoints ?? [])];
      collector.metrics.push({
        service,
        name,
        points: points.map(({ attributes, ...point }) => ({
          attributes: toObject(attributes),
          value: Number(point.asDouble ?? point.asInt ?? point.count),
        })),
      });
    }
  }

  return collector;
}

type Attributes = { key: string; value: Record<string, unknown> }[];
type Resource = { attributes: Attributes };
type Points = {
  dataPoints: { attributes: Attributes; asDouble?: number; asInt?: number | string; count?: number | string }[];
};
interface ResourceSpans {
  resource: Resource;
  scopeSpans: {
    spans: {
      name: string;
      kind: number;
      traceId: string;
      spanId: string;
      parentSpanId?: string;
      startTimeUnixNano: string;
      endTimeUnixNano: string;
      attributes: Attributes;
      links?: { traceId: string; spanId: string }[];
      status?: { code?: number };
    }[];
  }[];
}
interface ResourceMetrics {
  resource: Resource;
  scopeMetrics: { metrics: { name: string; sum?: Points; gauge?: Points; histogram?: Points }[] }[];
}
type Body = { resourceSpans?: ResourceSpans[]; resourceMetrics?: ResourceMetrics[] };

const toObject = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
