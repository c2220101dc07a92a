import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { waitFor } from '@posthorn/testing';
import { afterEach, expect, it } from 'vitest';

const PRELOAD = new URL('../dist/shift-clock.js', import.meta.url).href;
/** Reports the time in every way that JavaScript offers, on request. */
const CLOCK = `process.on('message', () => process.send({
  now: Date.now(),
  made: new Date().getTime(),
  said: Date.parse(Date()),
  given: new Date(0).toISOString(),
  isDate: new Date() instanceof Date,
}));`;

let child: ChildProcess | undefined;
afterEach(() => child?.kill());

it('shifts the time of day of one process at a SIGUSR2, and resets it at the next one', async () => {
  const env = { CLOCK_SHIFT_MS: '-90000' };
  const clock = spawn(process.execPath, [`--import=${PRELOAD}`, '-e', CLOCK], { env, stdio: ['ignore', 2, 2, 'ipc'] });
  child = clock;
  const ended = once(clock, 'exit').then(() => Promise.reject(new Error('the process ended')));
  ended.catch(() => {}); // ends at the end of the test, too
  const isOffBy = async (ms: number): Promise<boolean> => {
    clock.send('?');
    const [time] = (await Promise.race([once(clock, 'message'), ended])) as [Record<string, unknown>];
    expect(time).toMatchObject({ given: '1970-01-01T00:00:00.000Z', isDate: true });
    return ['now', 'made', 'said'].every((way) => Math.abs(Number(time[way]) - Date.now() - ms) < 10_000);
  };
  expect(await isOffBy(0)).toBe(true);
  clock.kill('SIGUSR2');
  await waitFor(() => isOffBy(-90_000));
  clock.kill('SIGUSR2');
  await waitFor(() => isOffBy(0));
});
