import { WAITING_STATES } from '@posthorn/contract';
import { expect, test } from 'vitest';
import { type WaitingRow, whyWaiting } from './why-waiting.js';

const NOW = new Date('2026-11-21T12:00:00.000Z');
const inSeconds = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);
const READY: WaitingRow = {
  now: NOW,
  status: 'pending',
  dueAt: inSeconds(-1),
  leasedUntil: null,
  isAsked: false,
  breakerUntil: null,
  isProbe: false,
  rateLimit: null,
  nextSlotAt: null,
  isFull: false,
  behindDeliveryId: null,
  behindEventId: null,
};

const CASES: [title: string, row: Partial<WaitingRow>, state: keyof typeof WAITING_STATES, until: Date | null][] = [
  ['due, and the dispatcher has not come yet', {}, 'ready', null],
  ['due for longer than 10 s', { dueAt: inSeconds(-11) }, 'overdue', null],
  ['due later', { dueAt: inSeconds(30) }, 'scheduled', inSeconds(30)],
  [
    'due later, and its job sleeps in the queue',
    { dueAt: inSeconds(30), leasedUntil: inSeconds(90) },
    'scheduled',
    inSeconds(30),
  ],
  ['with the queue', { leasedUntil: inSeconds(59) }, 'leased', inSeconds(59)],
  ['lost by the queue just now', { dueAt: inSeconds(-61), leasedUntil: inSeconds(-1) }, 'ready', null],
  ['lost by the queue a while ago', { dueAt: inSeconds(-80), leasedUntil: inSeconds(-20) }, 'overdue', null],
  [
    'behind an open circuit',
    { dueAt: inSeconds(-90), breakerUntil: inSeconds(15) },
    'deferred_circuit_open',
    inSeconds(15),
  ],
  ['behind a half-open circuit', { breakerUntil: inSeconds(-1) }, 'deferred_circuit_open', null],
  ['the probe of a half-open circuit', { breakerUntil: inSeconds(-1), isProbe: true }, 'ready', null],
  ['its subscription is at its limit', { dueAt: inSeconds(-90), isFull: true }, 'deferred_slots', null],
  ['its turn is far', { rateLimit: 1, nextSlotAt: inSeconds(9) }, 'deferred_rate_limit', inSeconds(9)],
  ['its turn is near', { rateLimit: 1, nextSlotAt: inSeconds(1) }, 'ready', null],
  ['its turn was given to it', { rateLimit: 1, leasedUntil: inSeconds(62) }, 'deferred_rate_limit', inSeconds(2)],
  [
    'another one has the turn of a strict order',
    { dueAt: inSeconds(-90), behindDeliveryId: 'd' },
    'deferred_order',
    null,
  ],
  [
    'a person asked for an attempt, and another one has the turn',
    { isAsked: true, behindDeliveryId: 'd' },
    'deferred_order',
    null,
  ],
  ['an older fan-out is still written', { dueAt: inSeconds(-90), behindEventId: 'e' }, 'deferred_order', null],
  [
    'due later, and another one has the turn',
    { dueAt: inSeconds(30), behindDeliveryId: 'd' },
    'scheduled',
    inSeconds(30),
  ],
  ['held', { status: 'held', dueAt: null }, 'held', null],
  [
    'held, and a person asked for an attempt',
    { status: 'held', dueAt: null, isAsked: true, leasedUntil: inSeconds(60) },
    'leased',
    inSeconds(60),
  ],
  [
    'a person asked for an attempt behind an open circuit',
    { breakerUntil: inSeconds(15), isAsked: true },
    'ready',
    null,
  ],
];

test.each(CASES)('%s', (_, row, state, until) => {
  expect(whyWaiting({ ...READY, ...row })).toMatchObject({ state, until });
});

test('in a strict order it names what has to end first', () => {
  expect(whyWaiting({ ...READY, behindDeliveryId: 'd', behindEventId: 'e' }).behind).toEqual({ deliveryId: 'd' });
  expect(whyWaiting({ ...READY, behindEventId: 'e' }).behind).toEqual({ eventId: 'e' });
});

test('every state of the table is one that a delivery can be in', () => {
  expect(new Set(CASES.map(([, , state]) => state))).toEqual(new Set(Object.keys(WAITING_STATES)));
});
