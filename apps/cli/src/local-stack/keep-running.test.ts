import { waitFor } from '@posthorn/testing';
import { expect, test } from 'vitest';
import { keepRunning, type Running } from './keep-running.js';

test('restarts and reports a process that ends unexpectedly, but not one that was stopped', async () => {
  const world = openWorld();
  const kept = await world.keep();
  expect(kept.current.pid).toBe(1);
  world.die('out of memory');
  await waitFor(() => kept.current.pid === 2, { what: 'the restart' });
  expect(world.said).toEqual([
    'Thing ended unexpectedly; restarting it in 1 s.\n    out of memory',
    'Thing is up again.',
  ]);
  expect(world.restarts()).toBe(1);

  await kept.stop();
  await kept.stop();
  expect(world.alive()).toBe(false);
  expect(world.starts()).toBe(2);
});

test('repeats a failed restart after twice the wait', async () => {
  const world = openWorld();
  const kept = await world.keep();
  world.failNext('no room');
  world.die('first');
  await waitFor(() => kept.current.pid === 3, { what: 'the second attempt' });
  expect(world.said.slice(1)).toEqual(['no room', 'Thing is up again.']);
  expect(world.waitedMs()).toBeGreaterThan(2_900); // 1 s, then 2 s
  await kept.stop();
});

test('stops at once, without a restart, while it waits for one', async () => {
  const world = openWorld();
  const kept = await world.keep();
  world.die('x');
  await waitFor(() => world.said.length > 0);
  await kept.stop();
  expect(world.starts()).toBe(1);
});

test('throws if the first start fails, without repeating it', async () => {
  const world = openWorld();
  world.failNext('no such file');
  await expect(world.keep()).rejects.toThrow('no such file');
  expect(world.starts()).toBe(1);
});

/** A process that the test starts and ends. */
function openWorld() {
  const said: string[] = [];
  let starts = 0;
  let restarts = 0;
  let failure: string | null = null;
  let end: ((last: { lastLines: string[] }) => void) | null = null;
  let diedAt = 0;
  let upAt = 0;
  const start = async (): Promise<Running> => {
    starts++;
    if (failure !== null) {
      const message = failure;
      failure = null;
      throw new Error(message);
    }
    upAt = performance.now();
    const exited = new Promise<{ lastLines: string[] }>((resolve) => (end = resolve));
    void exited.then(() => (end = null));
    const stop = async () => {
      end?.({ lastLines: [] });
      await exited;
    };
    return { pid: starts, exited, stop };
  };
  return {
    said,
    starts: () => starts,
    restarts: () => restarts,
    alive: () => end !== null,
    waitedMs: () => upAt - diedAt,
    failNext: (message: string) => void (failure = message),
    die: (lastLine: string) => {
      diedAt = performance.now();
      end?.({ lastLines: [lastLine] });
    },
    keep: () =>
      keepRunning('Thing', {
        start,
        signal: new AbortController().signal,
        say: (line) => void said.push(line),
        onRestart: () => void restarts++,
      }),
  };
}
