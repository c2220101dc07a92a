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
  isRequested: false,
  circuitOpenUntil: null,
  isProbe: false,
  rateLimit: null,
  nextSlotAt: null,
  isFull: false,
  behindDeliveryId: null,
  behindEventId: null,
};

const CASES: [title: string, row: Partial<WaitingRow>, state: keyof typeof WAITING_STATES, until: Date | null][] = [
  ['due, and the dispatcher has not looked yet', {}, 'ready', null],
  ['due for longer than 10 s', { dueAt: inSeconds(-11) }, 'overdue', null],
  ['due later', { dueAt: inSeconds(30) }, 'scheduled', inSeconds(30)],
  [
    'due later, and its job is delayed in the queue',
    { dueAt: inSeconds(30), leasedUntil: inSeconds(90) },
    'scheduled',
    inSeconds(30),
  ],
  ['leased by the queue', { leasedUntil: inSeconds(59) }, 'leased', inSeconds(59)],
  ['recently lost by the queue', { dueAt: inSeconds(-61), leasedUntil: inSeconds(-1) }, 'ready', null],
  ['lost by the queue some time ago', { dueAt: inSeconds(-80), leasedUntil: inSeconds(-20) }, 'overdue', null],
  [
    'behind an open circuit',
    { dueAt: inSeconds(-90), circuitOpenUntil: inSeconds(15) },
    'deferred_circuit_open',
    inSeconds(15),
  ],
  ['behind a half-open circuit', { circuitOpenUntil: inSeconds(-1) }, 'deferred_circuit_open', null],
  ['the probe of a half-open circuit', { circuitOpenUntil: inSeconds(-1), isProbe: true }, 'ready', null],
  ['its subscription has no capacity', { dueAt: inSeconds(-90), isFull: true }, 'deferred_slots', null],
  ['its turn is far', { rateLimit: 1, nextSlotAt: inSeconds(9) }, 'deferred_rate_limit', inSeconds(9)],
  ['its turn is near', { rateLimit: 1, nextSlotAt: inSeconds(1) }, 'ready', null],
  ['its turn is reserved', { rateLimit: 1, leasedUntil: inSeconds(62) }, 'deferred_rate_limit', inSeconds(2)],
  [
    'another delivery has the turn of a strict order',
    { dueAt: inSeconds(-90), behindDeliveryId: 'd' },
    'deferred_order',
    null,
  ],
  [
    'a requested attempt, and another delivery has the turn',
    { isRequested: true, behindDeliveryId: 'd' },
    'deferred_order',
    null,
  ],
  ['an older fan-out is still expanding', { dueAt: inSeconds(-90), behindEventId: 'e' }, 'deferred_order', null],
  [
    'due later, and another delivery has the turn',
    { dueAt: inSeconds(30), behindDeliveryId: 'd' },
    'scheduled',
    inSeconds(30),
  ],
  ['held', { status: 'held', dueAt: null }, 'held', null],
  [
    'held, with a requested attempt',
    { status: 'held', dueAt: null, isRequested: true, leasedUntil: inSeconds(60) },
    'leased',
    inSeconds(60),
  ],
  ['a requested attempt behind an open circuit', { circuitOpenUntil: inSeconds(15), isRequested: true }, 'ready', null],
];

test.each(CASES)('%s', (_, row, state, until) => {
  expect(whyWaiting({ ...READY, ...row })).toMatchObject({ state, until });
});

test('in a strict order it names what has to end first', () => {
  expect(whyWaiting({ ...READY, behindDeliveryId: 'd', behindEventId: 'e' }).behind).toEqual({ deliveryId: 'd' });
  expect(whyWaiting({ ...READY, behindEventId: 'e' }).behind).toEqual({ eventId: 'e' });
});

test('covers every waiting state', () => {
  expect(new Set(CASES.map(([, , state]) => state))).toEqual(new Set(Object.keys(WAITING_STATES)));
});
