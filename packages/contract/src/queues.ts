import { z } from 'zod';
import { AccountId } from './id.js';
import { time, timeOrNull } from './text.js';

const seconds = (description: string) => z.number().nullable().describe(description);
const atMost10000 = (description: string) =>
  z.int().describe(`${description} Counted up to 10,000: that many, or more.`);

const Queue = z.object({
  name: z.string().describe('`deliver`: first attempts · `retry`: next ones · `verify`: handshakes.'),
  waiting: z
    .int()
    .describe(
      'Jobs that wait for a worker. A job of `deliver` has one delivery, or up to 50 that became due together.',
    ),
  prioritized: z
    .int()
    .describe(
      'Jobs that wait behind those: their subscription has others under way, or they were brought from a backlog.',
    ),
  active: z.int().describe('Jobs at work.'),
  delayed: z.int().describe('Jobs that wait for their time. Many of them are nothing to worry about.'),
  failed: z.int().describe('Jobs whose delivery failed for good; the last 200 are kept.'),
  oldestWaitingSeconds: seconds('How long the job has waited whose turn is next. null: none waits.'),
});

const Worker = z.object({
  hostname: z.string().describe('Where it runs.'),
  version: z.string().describe('What runs there.'),
  isAlive: z.boolean().describe('It told so within the last 20 seconds. One that died is listed for ten minutes.'),
  startedAt: time('When it started.'),
  seenAt: time('When it last told that it takes jobs.'),
  lastJobAt: timeOrNull('When a job of it last ended. null: none yet.'),
});

export const Queues = z
  .object({
    sampledAt: time('When this was read: at most a few seconds ago.'),
    queues: z
      .array(Queue)
      .nullable()
      .describe('null: the queue does not answer. Nothing is lost; deliveries come later.'),
    deliveries: z
      .object({
        overdue: atMost10000('Deliveries that nobody took, though they are due and have no reason to wait.'),
        oldestOverdueSeconds: seconds('How long the oldest of them has been due. null: there is none.'),
        deferred: atMost10000(
          'Deliveries that are due and wait in the database: overdue, or because their receiver is slow, fails, or has a rate limit.',
        ),
        deferredByCircuit: atMost10000('Those of the deferred deliveries that wait for a circuit to close.'),
        held: atMost10000('Deliveries of paused subscriptions.'),
        expanding: atMost10000('Events with thousands of deliveries, which workers still write.'),
        oldestExpandingSeconds: seconds('How long the oldest of them has been expanding. null: there is none.'),
      })
      .describe('Deliveries that wait in the database.'),
    subscriptions: z
      .object({ unverified: z.int(), active: z.int(), paused: z.int(), disabled: z.int() })
      .describe('How many subscriptions there are of each status.'),
    breakers: z
      .object({ open: z.int(), halfOpen: z.int() })
      .describe(
        'Of active subscriptions, how many are spared because their receiver fails: `open`, or let one delivery through.',
      ),
    mostBehind: z
      .array(
        z.object({
          accountId: AccountId,
          deferred: atMost10000('Deliveries of the account that are due and wait in the database.'),
          oldestDueSeconds: z.number().describe('How long the oldest of them has been due.'),
        }),
      )
      .max(5)
      .describe('The accounts whose deliveries have been due for the longest time, at most 5.'),
    workersAlive: z.int().describe('Worker processes that take jobs. 0: nothing is delivered.'),
    workers: z.array(Worker).describe('The latest start first.'),
    boardUrl: z
      .string()
      .nullable()
      .describe('Bull Board, where single jobs are. null: `POSTHORN_BOARD_URL` does not tell it.'),
    lastDispatchAt: timeOrNull(
      'When a worker last looked for what is due. It does every second. null: no worker is known.',
    ),
  })
  .meta({
    id: 'Queues',
    description: 'How queues, workers and deliveries stand, over all accounts.',
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
          held: 30,
          expanding: 0,
          oldestExpandingSeconds: null,
        },
        subscriptions: { unverified: 2, active: 140, paused: 1, disabled: 4 },
        breakers: { open: 1, halfOpen: 0 },
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
