import { describe, expect, it } from 'vitest';
import { attemptIds, publishIds, readTraceparent, toTraceparent } from './span-ids.js';

const EVENT = '01936f0e-7c1a-7b3d-9f21-5d6e7f8091a2';
const DELIVERY = '01936f0e-7c1a-7c00-8000-0000000000d1';

it('the trace id of an event is its UUID, and the span id of its publish are the last 8 bytes', () => {
  expect(publishIds(EVENT)).toEqual({ traceId: '01936f0e7c1a7b3d9f215d6e7f8091a2', spanId: '9f215d6e7f8091a2' });
});

it('the spans of an attempt have the same ids in every process, and others in the next attempt', () => {
  const first = attemptIds(EVENT, { id: DELIVERY, attemptNumber: 1 });
  expect(attemptIds(EVENT, { id: DELIVERY, attemptNumber: 1 })).toEqual(first);
  const second = attemptIds(EVENT, { id: DELIVERY, attemptNumber: 2 });
  const ids = [first.deliver, first.attempt, second.deliver, second.attempt];
  expect(new Set(ids.map(({ spanId }) => spanId)).size).toBe(4);
  for (const { traceId, spanId } of ids) {
    expect(traceId).toBe(publishIds(EVENT).traceId);
    expect(spanId).toMatch(/^[0-9a-f]{16}$/);
  }
});

describe('readTraceparent', () => {
  const ids = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

  it.each([true, false])('reads what toTraceparent writes, sampled: %s', (isSampled) =>
    expect(readTraceparent(toTraceparent(ids, isSampled))).toEqual({ ...ids, isSampled }),
  );

  it('reads a later version with more fields', () =>
    expect(readTraceparent(`cc-${ids.traceId}-${ids.spanId}-03-more`)).toEqual({ ...ids, isSampled: true }));

  it.each([
    undefined,
    ['00', '01'],
    '',
    `00-${ids.traceId}-${ids.spanId}`,
    `00-${ids.traceId}-${ids.spanId}-01-more`,
    `cc-${ids.traceId}-${ids.spanId}-011`,
    `ff-${ids.traceId}-${ids.spanId}-01`,
    `00-${ids.traceId.toUpperCase()}-${ids.spanId}-01`,
    `00-${'0'.repeat(32)}-${ids.spanId}-01`,
    `00-${ids.traceId}-${'0'.repeat(16)}-01`,
  ])('finds no caller in %j', (header) => expect(readTraceparent(header)).toBe(null));
});
