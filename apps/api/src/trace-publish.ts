import type { PublishedEvent } from '@posthorn/core';
import { toTypeId } from '@posthorn/contract';
import {
  type FinishedSpan,
  newSpanIds,
  publishIds,
  readTraceparent,
  type SpanIds,
  type Telemetry,
} from '@posthorn/telemetry';

/** A request that published events. */
export interface TracedPublish {
  events: (PublishedEvent & { repeated: boolean })[];
  /** The pattern of the request's path. */
  route: string;
  /** The request's header. */
  traceparent: unknown;
  /** Since the request arrived. */
  elapsedMs: number;
}

export type TracePublish = (publish: TracedPublish) => void;

/** Records a span `publish` per new event: the root of the event's trace, which workers continue.
 *  If the caller sent a `traceparent`, the request also gets a span in the caller's trace, and the publishes link to it. (One trace for both
 *  would need a stored context per event, and the traces of a caller with many events would grow for days.) */
export const tracePublish =
  (telemetry: Telemetry): TracePublish =>
  (publish) => {
    const timing = { startedAtMs: performance.timeOrigin + performance.now() - publish.elapsedMs };
    const shared = { ...timing, durationMs: publish.elapsedMs };
    const created = publish.events.filter(({ repeated }) => !repeated);
    const http = {
      'http.request.method': 'POST',
      'http.route': publish.route,
      'http.response.status_code': 202,
    };
    const caller = readTraceparent(publish.traceparent);
    const request = caller && { traceId: caller.traceId, spanId: newSpanIds().spanId };
    if (caller && request && telemetry.isSampled(caller.traceId, caller)) {
      telemetry.record({
        ...shared,
        name: `POST ${publish.route}`,
        kind: 'server',
        ids: request,
        parent: caller,
        attributes: { ...http, ...accountOf(publish), 'posthorn.events': publish.events.length },
        // Also to events that an earlier request with the same Idempotency-Key published.
        links: publish.events.slice(0, MAX_LINKS).map(({ id }) => publishIds(id)),
      });
    }
    for (const event of created) {
      if (telemetry.isSampled(publishIds(event.id).traceId))
        telemetry.record({ ...shared, ...publishSpan(event, { http, request }) });
    }
  };

/** The limit of OpenTelemetry's default. */
const MAX_LINKS = 128;

const accountOf = ({ events: [first] }: TracedPublish) => ({ 'posthorn.account.id': first?.accountId ?? '' });

function publishSpan(
  event: PublishedEvent,
  { http, request }: { http: FinishedSpan['attributes']; request: SpanIds | null },
): Omit<FinishedSpan, 'startedAtMs' | 'durationMs'> {
  return {
    name: 'publish',
    kind: request ? 'producer' : 'server',
    ids: publishIds(event.id),
    parent: null,
    attributes: {
      ...(request ? {} : http),
      'posthorn.account.id': event.accountId,
      'posthorn.event.id': toTypeId('evt', event.id),
      'posthorn.event.type': event.type,
      'posthorn.event.deliveries': event.deliveryCount,
    },
    ...(request && { links: [request] }),
  };
}
