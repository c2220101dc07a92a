import { z } from 'zod';

export const DELIVERY_STATUSES = ['pending', 'held', 'succeeded', 'failed', 'canceled'] as const;
export const DeliveryStatus = z.enum(DELIVERY_STATUSES).meta({
  description:
    '`pending`: an attempt is due at `nextAttemptAt` · `held`: the subscription is paused, or was disabled with ' +
    '`hold` · `succeeded`: the endpoint returned 2xx · `failed`: all attempts are used up · `canceled`: no more attempts are made.',
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
  'auth_error',
  'blocked',
  'bad_response',
  'aborted',
] as const;
export const AttemptOutcome = z.enum(ATTEMPT_OUTCOMES).meta({
  description:
    '`ok`: the endpoint returned 2xx, with any body. `auth_error`: the `authentication` of the subscription failed, so nothing was sent. `aborted`: Posthorn was shut down during the attempt, which does not count for the retry schedule.',
});
export type AttemptOutcome = z.infer<typeof AttemptOutcome>;

export const ATTEMPT_TRIGGERS = ['auto', 'manual', 'test', 'replay'] as const;
export const AttemptTrigger = z
  .enum(ATTEMPT_TRIGGERS)
  .meta({ description: 'Why the attempt was made: the schedule (`auto`), a manual retry, a test event or a replay.' });
export type AttemptTrigger = z.infer<typeof AttemptTrigger>;
