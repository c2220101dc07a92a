import { waitFor } from '@posthorn/testing';
import { afterEach, expect, it } from 'vitest';
import { type Loop, type LoopOptions, startLoop } from './loop.js';

const FOR_EVER_MS = 3_600_000;
const logged: string[] = [];
const write = (_: object, event: string) => void logged.push(event);
const log = { debug: write, info: write, warn: write, error: write };

let loop: Loop | undefined;
afterEach(async () => {
  await loop?.stop();
  logged.length = 0;
});

function start(options: Partial<LoopOptions>): Loop {
  loop = startLoop({ name: 'work', log, restMs: FOR_EVER_MS, round: async () => {}, ...options });
  return loop;
}

it('starts a round at once, and the next one when woken, also during a round', async () => {
  let rounds = 0;
  let endRound = () => {};
  const { wake } = start({
    atLeastMs: () => 0,
    async round() {
      rounds += 1;
      await new Promise<void>((resolve) => (endRound = resolve));
    },
  });
  expect(rounds).toBe(1);
  wake();
  endRound();
  await waitFor(() => rounds === 2);
  endRound();
  wake();
  await waitFor(() => rounds === 3);
  endRound();
});

it('rests for the time that the round returned; a wake-up does not shorten the mandatory part', async () => {
  const rested: number[] = [];
  let rounds = 0;
  const { wake } = start({
    atLeastMs(restMs) {
      rested.push(restMs);
      return restMs;
    },
    round: async () => (++rounds < 3 ? 1 : undefined),
  });
  await waitFor(() => rested.length === 3);
  expect(rested).toEqual([1, 1, FOR_EVER_MS]);
  wake();
  await new Promise(setImmediate);
  expect(rounds).toBe(3);
});

it('logs once when faults begin and once when they end, and continues despite them', async () => {
  let rounds = 0;
  start({
    restMs: 1,
    async round() {
      rounds += 1;
      if (rounds <= 3) throw new Error('fault');
    },
  });
  await waitFor(() => rounds > 5);
  expect(logged).toEqual(['work.failed', 'work.recovered']);
});

it('does not log that the database is away, which the attempts log', async () => {
  let rounds = 0;
  start({
    restMs: 1,
    async round() {
      rounds += 1;
      if (rounds <= 3) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    },
  });
  await waitFor(() => rounds > 5);
  expect(logged).toEqual([]);
});

it('stops after the running round, whose signal aborts', async () => {
  let isEnded = false;
  const { stop } = start({
    async round(signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      isEnded = true;
    },
  });
  await stop();
  expect(isEnded).toBe(true);
});
