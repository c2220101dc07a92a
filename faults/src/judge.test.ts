import { describe, expect, it } from 'vitest';
import { type AcceptedEvent, judge } from './judge.js';
import type { Seen } from './endpoint.js';

const event = (id: string, sentAt: number, isForSlow = false): AcceptedEvent => ({ id, sentAt, isForSlow });
const post = (id: string, at: number, doneAt: number | null = at + 50, path = '/healthy'): Seen => ({
  path,
  id,
  at,
  doneAt,
});

describe('judge', () => {
  it('counts an event as delivered if each of its endpoints got it, else as lost', () => {
    const accepted = [event('a', 0), event('b', 0, true), event('c', 0, true), event('d', 0)];
    const seen = [post('a', 10), post('b', 10), post('b', 10, 2_010, '/slow'), post('c', 10)];
    expect(judge({ accepted, seen, faultTimes: [], backAt: 100 })).toMatchObject({
      accepted: 4,
      delivered: 2,
      lost: 2,
    });
  });

  it('counts an event without a 202 as stored twice', () => {
    const seen = [post('a', 10), post('twin-of-a', 20)];
    expect(judge({ accepted: [event('a', 0)], seen, faultTimes: [], backAt: 0 }).storedTwice).toBe(1);
  });

  it('allows a repeated POST only if it was in flight at a fault', () => {
    const accepted = [event('open', 0), event('responded long ago', 0), event('came later', 0)];
    const seen = [
      post('open', 4_990),
      post('open', 15_000),
      post('responded long ago', 1_000),
      post('responded long ago', 15_000),
      post('came later', 8_000),
      post('came later', 15_000),
    ];
    const verdict = judge({ accepted, seen, faultTimes: [5_000], backAt: 6_000 });
    expect(verdict).toMatchObject({ duplicates: 3, inFlight: 1, unexplained: 2 });
  });

  it('counts a POST that its sender never ended as in flight', () => {
    const seen = [post('a', 1_000, null), post('a', 15_000)];
    expect(judge({ accepted: [event('a', 0)], seen, faultTimes: [5_000], backAt: 6_000 }).unexplained).toBe(0);
  });

  it('counts the flow as normal after the last event that took over a second, without events that waited for the part', () => {
    const accepted = [event('waited', 500), event('late', 3_000), event('prompt', 4_000)];
    const seen = [post('waited', 9_000), post('late', 4_500), post('prompt', 4_900)];
    expect(judge({ accepted, seen, faultTimes: [], backAt: 1_000 })).toMatchObject({
      normalAfterMs: 2_000,
      caughtUpAfterMs: 8_000,
    });
  });
});
