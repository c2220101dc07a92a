import { z } from 'zod';

export const DELIVERY_STATUSES = ['pending', 'held', 'succeeded', 'failed', 'canceled'] as const;
export const DeliveryStatus = z.enum(DELIVERY_STATUSES).meta({
  description:
    '`pending`: an attempt is due at `nextAttemptAt` · `held`: its subscription is paused, or was disabled with ' +
    '`hold` · `succeeded` · `failed`: the schedule is exhausted · `canceled`: nobody wants it any more.',
});
export type DeliveryStatus = z.infer<typeof DeliveryStatus>;

export const ATTEMPT_OUTCOMES = [
  'ok',
  'http_error',
  'redirect',
  'timeout',
  'dns_error',
  'connect_error',
  'tls_error',
  'blocked',
  'bad_response',
  'aborted',
] as const;
export const AttemptOutcome = z.enum(ATTEMPT_OUTCOMES).meta({
  description: '`ok`: a 2xx, whatever the body. `aborted`: our shutdown; it spends nothing of the schedule.',
});
export type AttemptOutcome = z.infer<typeof AttemptOutcome>;

export const ATTEMPT_TRIGGERS = ['auto', 'manual', 'test', 'replay'] as const;
export const AttemptTrigger = z
  .enum(ATTEMPT_TRIGGERS)
  .meta({ description: 'Why it was made: the schedule, a person, a test event, a replay.' });
export type AttemptTrigger = z.infer<typeof AttemptTrigger>;
