import type { AttemptOptions, ObservedAttempt, ObservedVerification } from '@posthorn/core';
import { toTypeId } from '@posthorn/contract';
import type { ConsumerOptions } from '@posthorn/jobs';
import {
  attemptIds,
  type FinishedSpan,
  newSpanIds,
  publishIds,
  type Telemetry,
  toTraceparent,
} from '@posthorn/telemetry';

/** The spans of a worker. A delivery's spans continue the trace of its event, whose ids follow from the event's id:
 *
 *  publish (API)
 *  └ deliver     one per attempt: from loading the delivery to recording the attempt; linked to the job
 *    └ attempt   the HTTP request
 *
 *  A job has a trace of its own, since it may have deliveries of many events. */
export interface AttemptTracing {
  attempted(attempt: ObservedAttempt): void;
  verified(verification: ObservedVerification): void;
  startJob: NonNullable<ConsumerOptions['startJob']>;
  traceparent: NonNullable<AttemptOptions['traceparent']>;
}

export const traceAttempts = (telemetry: Telemetry): AttemptTracing => ({
  attempted(attempt) {
    if (telemetry.isSampled(publishIds(attempt.delivery.eventId).traceId))
      for (const span of attemptSpans(attempt)) telemetry.record(span);
  },
  verified(verification) {
    if (telemetry.isSampled(publishIds(verification.id).traceId)) telemetry.record(verificationSpan(verification));
  },
  startJob(job) {
    const ids = newSpanIds();
    const startedAt = performance.now();
    return {
      ...ids,
      end() {
        if (!telemetry.isSampled(ids.traceId)) return;
        telemetry.record({
          name: `job ${job.queue}`,
          kind: 'consumer',
          ids,
          parent: null,
          startedAtMs: sinceEpoch(startedAt),
          durationMs: performance.now() - startedAt,
          attributes: {
            'messaging.system': 'bullmq',
            'messaging.operation.type': 'process',
            'messaging.destination.name': job.queue,
            'messaging.batch.message_count': job.deliveries,
            'posthorn.job.id': job.jobId,
          },
        });
      },
    };
  },
  traceparent({ eventId, id }, attemptNumber) {
    const { attempt } = attemptIds(eventId, { id, attemptNumber });
    return toTraceparent(attempt, telemetry.isSampled(attempt.traceId));
  },
});

function attemptSpans({ delivery, attemptNumber, trigger, result, recorded, readAt, job }: ObservedAttempt) {
  const ids = attemptIds(delivery.eventId, { id: delivery.id, attemptNumber });
  const deliver: FinishedSpan = {
    name: 'deliver',
    kind: 'consumer',
    ids: ids.deliver,
    parent: publishIds(delivery.eventId),
    startedAtMs: sinceEpoch(readAt),
    durationMs: performance.now() - readAt,
    attributes: {
      'posthorn.account.id': delivery.accountId,
      'posthorn.event.id': toTypeId('evt', delivery.eventId),
      'posthorn.event.type': delivery.eventType,
      'posthorn.subscription.id': toTypeId('sub', delivery.subscriptionId),
      'posthorn.delivery.id': toTypeId('dlv', delivery.id),
      'posthorn.delivery.status': recorded.status,
      'posthorn.attempt.number': attemptNumber,
      'posthorn.attempt.trigger': trigger,
    },
    ...(job && { links: [job] }),
    hasFailed: recorded.status === 'failed',
  };
  const attempt: FinishedSpan = {
    ...requestSpan('attempt', delivery.url, { attemptNumber, result }),
    ids: ids.attempt,
    parent: ids.deliver,
  };
  return [deliver, attempt];
}

/** The attempts of a verification have a trace of their own, whose root is the first attempt. */
function verificationSpan({ id, url, attemptNumber, result, status, reason, ...of }: ObservedVerification) {
  const first = attemptIds(id, { id, attemptNumber: 1 }).attempt;
  const span = requestSpan('verify', url, { attemptNumber, result });
  return {
    ...span,
    ids: attemptIds(id, { id, attemptNumber }).attempt,
    parent: attemptNumber === 1 ? null : first,
    attributes: {
      ...span.attributes,
      'posthorn.account.id': of.accountId,
      ...(of.subscriptionId !== null && { 'posthorn.subscription.id': toTypeId('sub', of.subscriptionId) }),
      'posthorn.verification.id': toTypeId('ver', id),
      'posthorn.verification.status': status,
      ...(reason !== null && { 'posthorn.verification.reason': reason }),
    },
    hasFailed: span.hasFailed || reason !== null,
  };
}

/** Names only the server of the URL: the path of a webhook is often a secret. */
function requestSpan(
  name: string,
  url: string,
  { attemptNumber, result }: Pick<ObservedAttempt, 'attemptNumber' | 'result'>,
) {
  const { protocol, hostname, port } = new URL(url);
  const isHttps = protocol === 'https:';
  const { outcome, statusCode } = result;
  return {
    name,
    kind: 'client' as const,
    startedAtMs: result.startedAt.getTime(),
    durationMs: result.durationMs,
    attributes: {
      'http.request.method': 'POST',
      'url.scheme': isHttps ? 'https' : 'http',
      'server.address': hostname.replace(/^\[|\]$/g, ''),
      'server.port': Number(port || (isHttps ? 443 : 80)),
      'posthorn.attempt.number': attemptNumber,
      'posthorn.attempt.outcome': outcome,
      ...(statusCode !== null && { 'http.response.status_code': statusCode }),
      ...(outcome !== 'ok' && { 'error.type': outcome === 'http_error' ? String(statusCode) : outcome }),
    },
    hasFailed: outcome !== 'ok',
  };
}

const sinceEpoch = (at: number): number => performance.timeOrigin + at;
