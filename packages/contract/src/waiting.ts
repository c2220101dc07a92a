import { z } from 'zod';
import { SubscriptionId } from './id.js';
import { timeOrNull } from './text.js';

/** Why a delivery waits, what ends the state, and its one owner. OpenAPI and the documents use this table.
 *  An event whose deliveries are not written yet has `fanOut: "expanding"` instead. */
export const WAITING_STATES = {
  scheduled: {
    endsWhen: 'its attempt is due, or its subscription recovers',
    owner: 'the retry schedule, or a catch-up',
  },
  leased: { endsWhen: 'a worker records the attempt, or the lease ends', owner: 'the queue' },
  ready: { endsWhen: 'the dispatcher leases it to the queue, normally within 100 ms', owner: 'the dispatcher' },
  overdue: { endsWhen: 'a worker is available: it has been ready for more than 10 s', owner: 'the operator' },
  deferred_slots: { endsWhen: 'an attempt of its subscription ends', owner: 'the concurrency limiter' },
  deferred_rate_limit: { endsWhen: 'the rate limit allows its attempt', owner: 'the rate limiter' },
  deferred_order: {
    endsWhen: 'the delivery or the fan-out in `behind` has ended',
    owner: 'the strict order of its subscription',
  },
  deferred_circuit_open: { endsWhen: 'an attempt of its subscription succeeds', owner: 'the circuit breaker' },
  held: { endsWhen: 'its subscription is resumed', owner: 'pause and resume' },
} as const;
export type WaitingState = keyof typeof WAITING_STATES;

const NAMES = Object.keys(WAITING_STATES) as [WaitingState, ...WaitingState[]];

export const Waiting = z
  .object({
    state: z.enum(NAMES).meta({
      description: NAMES.map((name) => `\`${name}\` ends when ${WAITING_STATES[name].endsWhen}`).join(' · '),
    }),
    until: timeOrNull(
      '`scheduled`: when the attempt is due · `leased`: when the lease ends · `deferred_rate_limit`: the earliest time of the attempt · ' +
        '`deferred_circuit_open`: when the next probe is due, null if it is due now · otherwise null.',
    ),
    behind: z
      .string()
      .nullable()
      .describe(
        '`deferred_order`: what must end first: a delivery (`dlv_…`), or an event (`evt_…`) whose deliveries are not written yet · ' +
          'otherwise null.',
      ),
  })
  .meta({ id: 'Waiting', description: 'Why a delivery waits, and what ends it.' });
export type Waiting = z.infer<typeof Waiting>;

const counted = {
  count: z.int().describe('Number of deliveries that wait, for any reason. Counted up to 10,000.'),
  more: z.boolean().describe('true: more deliveries wait than were counted.'),
  oldestCreatedAt: timeOrNull('When the oldest of them was created. null: none.'),
};

/** Rows of a list count their waiting deliveries up to here. */
export const MAX_WAITING_OF_ROW = 100;

export const WaitingOfRow = z
  .object({
    count: z.int().describe(`Deliveries that wait for an attempt or are held, counted up to ${MAX_WAITING_OF_ROW}.`),
    more: counted.more,
    oldestCreatedAt: counted.oldestCreatedAt,
  })
  .describe('Deliveries that wait for an attempt or are held.');
export type WaitingOfRow = z.infer<typeof WaitingOfRow>;

export const WaitingDeliveries = z
  .object({
    ...counted,
    reasons: z
      .array(z.object({ state: Waiting.shape.state, count: z.int().describe('How many of them.') }))
      .describe('What the 200 oldest of them wait for, the most frequent state first.'),
    subscriptions: z
      .array(
        z.object({
          subscriptionId: SubscriptionId,
          url: z.string().describe('The current URL of the subscription.'),
          ...counted,
        }),
      )
      .max(5)
      .describe('The subscriptions whose deliveries have waited longest, at most 5.'),
  })
  .meta({
    id: 'WaitingDeliveries',
    description: 'Number of deliveries of an account that wait for an attempt, and for how long.',
    examples: [
      {
        count: 1140,
        more: false,
        oldestCreatedAt: '2026-11-21T18:32:00.000Z',
        reasons: [
          { state: 'deferred_circuit_open', count: 198 },
          { state: 'scheduled', count: 2 },
        ],
        subscriptions: [
          {
            subscriptionId: 'sub_01jd4q8y3ne9mav5w2xkq7rf0c',
            url: 'https://hooks.example.com/webhook',
            count: 1140,
            more: false,
            oldestCreatedAt: '2026-11-21T18:32:00.000Z',
          },
        ],
      },
    ],
  });
export type WaitingDeliveries = z.infer<typeof WaitingDeliveries>;

export const WaitingQuery = z.strictObject({
  subscription: SubscriptionId.optional().describe('Only deliveries of this subscription.'),
});
