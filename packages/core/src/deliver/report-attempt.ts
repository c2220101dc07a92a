import type { PostResult } from '@posthorn/sender';
import { toTypeId } from '@posthorn/contract';
import type { AttemptReport, LoadedDelivery } from '../deliveries/delivery.js';
import type { AttemptTrigger } from '../generated/prisma/client.js';
import type { Log } from '../log.js';
import type { Recorded } from './record-attempts.js';

/** An attempt of a delivery that was made and recorded. */
export interface RecordedAttempt {
  delivery: LoadedDelivery;
  /** As a TypeID. */
  eventId: string;
  attemptNumber: number;
  trigger: AttemptTrigger;
  result: PostResult;
  recorded: Recorded;
}

/** Writes the log line of an attempt. Returns what the queue stores of it. */
export function reportAttempt(log: Log, attempt: RecordedAttempt): AttemptReport {
  const { delivery, trigger, result, recorded } = attempt;
  const report = toReport(attempt);
  log.info(
    {
      ...report,
      eventType: delivery.eventType,
      endpointHost: new URL(delivery.url).host,
      trigger,
      durationMs: Math.round(result.durationMs),
      nextInMs: recorded.nextInMs === null ? null : Math.round(recorded.nextInMs),
    },
    'delivery.attempted',
  );
  return report;
}

const toReport = ({ delivery, eventId, attemptNumber, result, recorded }: RecordedAttempt): AttemptReport => ({
  deliveryId: toTypeId('dlv', delivery.id),
  eventId,
  subscriptionId: toTypeId('sub', delivery.subscriptionId),
  accountId: delivery.accountId,
  attemptNumber,
  outcome: result.outcome,
  statusCode: result.statusCode,
  deliveryStatus: recorded.status,
});
