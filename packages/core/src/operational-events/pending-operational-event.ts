import type { OperationalEventType } from '@posthorn/contract';
import type { AttemptOutcome } from '../generated/prisma/client.js';

/** An operational event with the current state of its subject. */
export interface PendingOperationalEvent {
  type: OperationalEventType;
  accountId: string;
  subscriptionId: string;
  url: string;
  detail: { reason?: string; percent?: number; failingSince?: string; isRepeated?: boolean };
  failingSince: Date | null;
  createdAt: Date;
  /** For `delivery:failed`. */
  delivery: {
    id: string;
    eventId: string;
    eventType: string;
    reason: string | null;
    attemptCount: number;
    number: number;
    outcome: AttemptOutcome;
    statusCode: number | null;
    startedAt: string;
  } | null;
}
