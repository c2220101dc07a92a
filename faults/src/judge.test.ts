import { describe, expect, it } from 'vitest';
import { judge } from './judge.js';
import type { Accepted } from './producer.js';
import type { Seen } from './receiver.js';

const event = (id: string, sentAt: number, isForSlow = false): Accepted => ({ id, sentAt, isForSlow });
const post = (id: string, at: number, doneAt: number | null = at + 50, path = '/healthy'): Seen => ({
  path,
  id,
  at,
  doneAt,
});

describe('judge', () => {
  it('an event is delivered when every receiver that it was for has seen it, and lost otherwise', () => {
    const accepted = [event('a', 0), event('b', 0, true), event('c', 0, true), event('d', 0)];
    const seen = [post('a', 10), post('b', 10), post('b', 10, 2_010, '/slow'), post('c', 10)];
    expect(judge({ accepted, seen, blows: [], backAt: 100 })).toMatchObject({ accepted: 4, delivered: 2, lost: 2 });
  });

  it('an event that no 202 names was stored twice', () => {
    const seen = [post('a', 10), post('twin-of-a', 20)];
    expect(judge({ accepted: [event('a', 0)], seen, blows: [], backAt: 0 }).unasked).toBe(1);
  });

  it('a repeated POST is excused only if it was under way when something broke', () => {
    const accepted = [event('open', 0), event('answered long ago', 0), event('came later', 0)];
    const seen = [
      post('open', 4_990),
      post('open', 15_000),
      post('answered long ago', 1_000),
      post('answered long ago', 15_000),
      post('came later', 8_000),
      post('came later', 15_000),
    ];
    const verdict = judge({ accepted, seen, blows: [5_000], backAt: 6_000 });
    expect(verdict).toMatchObject({ duplicates: 3, inFlight: 1, unexcused: 2 });
  });

  it('a POST that its sender never ended is under way for as long', () => {
    const seen = [post('a', 1_000, null), post('a', 15_000)];
    expect(judge({ accepted: [event('a', 0)], seen, blows: [5_000], backAt: 6_000 }).unexcused).toBe(0);
  });

  it('the flow is normal after the last event that took more than a second; what waited for the part does not count', () => {
    const accepted = [event('waited', 500), event('late', 3_000), event('prompt', 4_000)];
    const seen = [post('waited', 9_000), post('late', 4_500), post('prompt', 4_900)];
    expect(judge({ accepted, seen, blows: [], backAt: 1_000 })).toMatchObject({
      normalAfterMs: 2_000,
      caughtUpAfterMs: 8_000,
    });
  });
});
