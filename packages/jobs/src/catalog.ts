import { type IdPrefix, toTypeId, toUuid } from '@posthorn/contract';

/** Every background job on one screen. A job holds ids only: what it needs is loaded when it runs, so that it is never out
 *  of date, and so that the queue and its dashboard never see a payload or a secret. */
export const QUEUES = {
  deliver: {
    subject: 'dlv',
    field: 'deliveryId',
    about: 'First attempts, and attempts that somebody asked for',
    isSharded: true,
  },
  retry: { subject: 'dlv', field: 'deliveryId', about: 'Next attempts, each delayed until it is due', isSharded: true },
  verify: {
    subject: 'ver',
    field: 'verificationId',
    about: 'Handshakes that prove a URL wants the events',
    isSharded: false,
  },
} as const satisfies Record<string, { subject: IdPrefix; field: string; about: string; isSharded: boolean }>;

export type QueueName = keyof typeof QUEUES;
export const QUEUE_NAMES = Object.keys(QUEUES) as QueueName[];

/** A queue that nobody consumes, in each shard, with one job that stays: adding it again proves that an enqueue works. */
export const CHECK_QUEUE = 'check';

/** Deliveries in one job, at most: its data stays below 4 KB. */
export const MAX_DELIVERIES_PER_JOB = 50;

/** What the queue is told: the id of a delivery (of a verification, on `verify`) and which attempt is due. */
export interface Due {
  /** A uuid. */
  id: string;
  /** From 1. */
  attemptNumber: number;
  /** Absent or 0: now. */
  delayMs?: number;
  /** Of those that wait, the lower goes first, and of equal ones the older. Absent: 0. At most 2,000,000. */
  rank?: number;
  /** The lease under which the queue has the attempt: its end, in microseconds since 1970, exactly as in the ledger. A worker makes the
   *  attempt only while the ledger has this lease. Absent: the worker does not compare. */
  leasedUntil?: number;
  /** Set if an earlier lease of the attempt has ended, so that the queue may know it. A job that runs keeps it: then this one is ignored.
   *  deferred: a worker gave it back, or nobody had it for a while; jobs of earlier leases do nothing any more.
   *  expired: the lease ran out. A job of its own that still waits keeps its place and gets this lease; one that has finished is
   *  replaced.
   *  Default: the attempt is new to the queue. */
  leasedBefore?: 'deferred' | 'expired';
}

/** What a worker is handed. */
export interface Taken extends Due {
  /** The job had ended, and a person put it back on the dashboard: they want the work done once more. */
  isPutBack: boolean;
  /** Whether no other worker has the job; looks at the queue if the last look is long ago. Never throws. */
  isStillOurs(): Promise<boolean>;
}

/** Tells workers what is due. Never throws: it answers false when the queue did not take it, and then the dispatcher does.
 *  Repeating is safe: the queue ignores an id that it still knows, unless `leasedBefore` says otherwise. */
export type Enqueue = (queue: QueueName, due: Due[]) => Promise<boolean>;

/** `dlv_01h…-3`: unique per attempt. The queue ignores an id that it still knows, even of a finished job, so an id is never
 *  used for anything else. */
export const toJobId = (queue: QueueName, { id, attemptNumber }: Due): string =>
  `${toTypeId(QUEUES[queue].subject, id)}-${attemptNumber}`;

/** The reverse; null if it is none of ours. */
export function fromJobId(queue: QueueName, jobId: string | undefined): Due | null {
  const [, subject, number] = /^(\w+)-([1-9]\d{0,5})$/.exec(jobId ?? '') ?? [];
  const id = subject && toUuid(QUEUES[queue].subject, subject);
  return id ? { id, attemptNumber: Number(number) } : null;
}
