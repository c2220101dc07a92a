import { type IdPrefix, toTypeId, toUuid } from '@posthorn/contract';

/** Every background job. A job holds only ids and loads the rest when it runs, so it is never out of date, and the queue and Bull
 *  Board never see a payload or a secret. */
export const QUEUES = {
  deliver: {
    subject: 'dlv',
    field: 'deliveryId',
    about: 'First attempts, and manual attempts',
    isSharded: true,
  },
  retry: { subject: 'dlv', field: 'deliveryId', about: 'Retries, each delayed until it is due', isSharded: true },
  verify: {
    subject: 'ver',
    field: 'verificationId',
    about: 'Handshakes that verify a URL',
    isSharded: false,
  },
} as const satisfies Record<string, { subject: IdPrefix; field: string; about: string; isSharded: boolean }>;

export type QueueName = keyof typeof QUEUES;
export const QUEUE_NAMES = Object.keys(QUEUES) as QueueName[];

/** A queue without consumers, with one permanent job in each shard: adding it again proves that enqueueing works. */
export const CHECK_QUEUE = 'check';

/** Deliveries in one job, at most, so that its data stays below 4 KB. */
export const MAX_DELIVERIES_PER_JOB = 50;

/** What is enqueued: the id of a delivery (of a verification for `verify`) and the number of the due attempt. */
export interface Due {
  /** A uuid. */
  id: string;
  /** From 1. */
  attemptNumber: number;
  /** Default: 0, now. */
  delayMs?: number;
  /** Lower ranks go first, then older jobs. Default: 0. Maximum: 2,000,000. */
  rank?: number;
  /** The lease under which the queue has the attempt: its end, in microseconds since 1970, exactly as in the ledger. A worker makes
   *  the attempt only while the ledger has this lease. Default: no comparison. */
  leasedUntil?: number;
  /** Set if an earlier lease of the attempt has ended, so that the queue may know it. If a job for it runs, that job stays and this one
   *  is ignored.
   *  deferred: a worker returned it, or no queue had it for a while; jobs of earlier leases do nothing.
   *  expired: the lease ended. A separate job that still waits keeps its place and gets this lease; a finished job is replaced.
   *  Default: the attempt is new to the queue. */
  leasedBefore?: 'deferred' | 'expired';
}

/** What a worker gets. */
export interface DueJob extends Due {
  /** The job had ended, and a person retried it in Bull Board. */
  isManualRetry: boolean;
  /** What ConsumerOptions.startJob returned for its job. */
  job?: RunningJob;
  /** Whether no other worker has the job. Checks the queue if the last check is long ago. Never throws. */
  isStillOurs(): Promise<boolean>;
}

/** A job while a worker runs it, with the ids of its span. */
export interface RunningJob {
  traceId: string;
  spanId: string;
  /** The job has ended, or returned to the queue. */
  end(): void;
}

/** Enqueues due attempts. Never throws: returns false if the queue is unavailable, and the dispatcher enqueues them later.
 *  Repeating is safe: the queue ignores an id that it still knows, unless `leasedBefore` says otherwise. */
export type Enqueue = (queue: QueueName, due: Due[]) => Promise<boolean>;

/** `dlv_01h…-3`: unique per attempt. The queue ignores an id that it still knows, even of a finished job, so an id has no other use. */
export const toJobId = (queue: QueueName, { id, attemptNumber }: Due): string =>
  `${toTypeId(QUEUES[queue].subject, id)}-${attemptNumber}`;

/** The reverse of toJobId. Returns null for any other text. */
export function fromJobId(queue: QueueName, jobId: string | undefined): Due | null {
  const [, subject, number] = /^(\w+)-([1-9]\d{0,5})$/.exec(jobId ?? '') ?? [];
  const id = subject && toUuid(QUEUES[queue].subject, subject);
  return id ? { id, attemptNumber: Number(number) } : null;
}
