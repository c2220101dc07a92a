import { z } from 'zod';
import { AccountId, EventId } from './id.js';
import { MOST_COUNTED } from './most-counted.js';
import { Granularity } from './stats.js';
import { moment, time, timeOrNull } from './text.js';

const seconds = (description: string) => z.number().nullable().describe(description);
const counted = (description: string) =>
  z.int().describe(`${description} The count stops at ${MOST_COUNTED.toLocaleString('en')}.`);

const Queue = z.object({
  name: z.string().describe('`deliver`: first attempts · `retry`: later attempts · `verify`: verifications.'),
  waiting: z
    .int()
    .describe('Jobs that wait for a worker. A `deliver` job has one delivery, or up to 50 that became due together.'),
  prioritized: z
    .int()
    .describe(
      'Jobs with a lower priority, which wait behind `waiting`: their subscription has attempts in flight, or a backlog.',
    ),
  active: z.int().describe('Jobs that workers are processing.'),
  delayed: z.int().describe('Jobs that are scheduled for later. A high number is normal.'),
  failed: z.int().describe('Jobs whose delivery failed. The last 200 are kept.'),
  oldestWaitingSeconds: seconds('How long the next job has waited. null: no job waits.'),
});

const Worker = z.object({
  hostname: z.string().describe('Host name of the machine.'),
  version: z.string().describe('The version of the worker.'),
  isAlive: z
    .boolean()
    .describe('Whether the worker reported within the last 20 seconds. A dead worker is listed for ten minutes.'),
  startedAt: time('When it started.'),
  seenAt: time('When it last reported.'),
  lastJobAt: timeOrNull('When it last finished a job. null: not yet.'),
});

export const Queues = z
  .object({
    sampledAt: time('When these numbers were read, at most a few seconds ago.'),
    queues: z
      .array(Queue)
      .nullable()
      .describe('null: the queue is not available. No delivery is lost, but deliveries are delayed.'),
    deliveries: z
      .object({
        overdue: counted(
          'Deliveries that have been due for more than 10 s, although nothing defers them and no worker has leased them.',
        ),
        oldestOverdueSeconds: seconds('How long the oldest overdue delivery has been due, in seconds. null: none.'),
        deferred: counted(
          'Due deliveries that wait in the database: overdue ones, and those whose endpoint is slow, fails or has a rate limit.',
        ),
        deferredByCircuit: counted('Those of the deferred deliveries that wait for a circuit to close.'),
        scheduled: counted('Deliveries that wait until their next attempt is due.'),
        held: counted('Deliveries of subscriptions that are paused, or disabled with `hold`.'),
        expanding: counted('Events whose deliveries workers are still creating.'),
        oldestExpandingSeconds: seconds('How long the oldest of them has been expanding, in seconds. null: none.'),
        oldestExpanding: z
          .object({ accountId: AccountId, eventId: EventId })
          .nullable()
          .describe('The oldest of them. null: none.'),
      })
      .describe('Deliveries that wait in the database.'),
    subscriptions: z
      .object({ unverified: z.int(), active: z.int(), paused: z.int(), disabled: z.int() })
      .describe('Number of subscriptions by status.'),
    circuits: z
      .object({ open: z.int(), halfOpen: z.int() })
      .describe('Number of active subscriptions with an open or half-open circuit, because their endpoint fails.'),
    mostBehind: z
      .array(
        z.object({
          accountId: AccountId,
          deferred: counted('Deliveries of the account that are due and wait in the database.'),
          oldestDueSeconds: z.number().describe('How long the oldest of them has been due.'),
        }),
      )
      .max(5)
      .describe('The accounts whose deliveries have been due for the longest time, at most 5.'),
    workersAlive: z.int().describe('Number of worker processes that are alive. 0: nothing is delivered.'),
    workers: z.array(Worker).describe('The latest started first.'),
    boardUrl: z
      .string()
      .nullable()
      .describe('URL of Bull Board, which shows single jobs. null: `POSTHORN_BOARD_URL` is not set.'),
    lastDispatchAt: timeOrNull(
      'When a dispatcher last checked for due deliveries, normally every second. null: never.',
    ),
  })
  .meta({
    id: 'Queues',
    description: 'State of queues, workers and waiting deliveries over all accounts.',
    examples: [
      {
        sampledAt: '2026-11-21T18:55:00.000Z',
        queues: [
          {
            name: 'deliver',
            waiting: 3,
            prioritized: 0,
            active: 12,
            delayed: 0,
            failed: 0,
            oldestWaitingSeconds: 0.004,
          },
          { name: 'retry', waiting: 0, prioritized: 0, active: 0, delayed: 48, failed: 2, oldestWaitingSeconds: null },
          { name: 'verify', waiting: 0, prioritized: 0, active: 0, delayed: 0, failed: 0, oldestWaitingSeconds: null },
        ],
        deliveries: {
          overdue: 0,
          oldestOverdueSeconds: null,
          deferred: 120,
          deferredByCircuit: 118,
          scheduled: 48,
          held: 30,
          expanding: 0,
          oldestExpandingSeconds: null,
          oldestExpanding: null,
        },
        subscriptions: { unverified: 2, active: 140, paused: 1, disabled: 4 },
        circuits: { open: 1, halfOpen: 0 },
        mostBehind: [{ accountId: 'acme', deferred: 118, oldestDueSeconds: 1380.2 }],
        workersAlive: 1,
        workers: [
          {
            hostname: 'worker-6f9c',
            version: '0.1.0',
            isAlive: true,
            startedAt: '2026-11-21T12:00:00.000Z',
            seenAt: '2026-11-21T18:54:57.000Z',
            lastJobAt: '2026-11-21T18:54:59.100Z',
          },
        ],
        boardUrl: 'https://board.internal.example.com',
        lastDispatchAt: '2026-11-21T18:54:59.000Z',
      },
    ],
  });
export type Queues = z.infer<typeof Queues>;

export const QueueDepths = z
  .object({
    granularity: Granularity,
    buckets: z
      .array(
        z.object({
          at: time('Start of the bucket.'),
          waiting: z
            .int()
            .nullable()
            .describe('The most jobs that waited for a worker, over all queues. null: not known.'),
          deferred: z
            .int()
            .nullable()
            .describe('The most due deliveries that waited in the database, counted up to 10,000. null: not known.'),
        }),
      )
      .max(60)
      .describe('Oldest first, without gaps.'),
  })
  .meta({
    id: 'QueueDepths',
    description: 'How many jobs and deliveries waited, once a minute for the last 31 days.',
    examples: [
      {
        granularity: 'hour',
        buckets: [
          { at: '2026-11-21T18:00:00.000Z', waiting: 3, deferred: 120 },
          { at: '2026-11-21T19:00:00.000Z', waiting: null, deferred: null },
        ],
      },
    ],
  });
export type QueueDepths = z.infer<typeof QueueDepths>;

export const QueueDepthsQuery = z.strictObject({
  from: moment('Start of the period, rounded down to a bucket. Default: 24 hours before `to`.').optional(),
  to: moment('End of the period, rounded up to a bucket. Default, and maximum: now.').optional(),
  granularity: Granularity.optional().describe('Default: the shortest that covers the period with 60 buckets.'),
});
