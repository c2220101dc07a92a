import { waitFor } from '@posthorn/testing';
import { expect, it } from 'vitest';
import { openWatch } from './watch.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A watch whose looks are counted; a row is over once its id is in `over`. */
function openCounted() {
  const looks: string[][] = [];
  const over = new Set<string>();
  const state = { looks, over, fault: null as Error | null };
  const watch = openWatch({
    everyMs: 1,
    async findOver(ids) {
      looks.push(ids);
      if (state.fault) throw state.fault;
      return ids.filter((id) => over.has(id));
    },
    log: silent,
  });
  return { ...watch, state, untilOver: (id: string) => new Promise<void>((resolve) => void watch.add(id, resolve)) };
}

it('looks once for all that is watched, and says once that a row is over', async () => {
  const { add, state } = openCounted();
  const told: string[] = [];
  const stops = ['a', 'b', 'a'].map((id) => add(id, () => told.push(id)));
  await waitFor(() => state.looks.length >= 2);
  expect(state.looks[0]).toEqual(['a', 'b']);
  state.over.add('a');
  await waitFor(() => told.length > 0);
  expect(told).toEqual(['a', 'a']);
  const before = state.looks.length;
  await waitFor(() => state.looks.length > before);
  expect(state.looks.at(-1)).toEqual(['b']);
  for (const stop of stops) stop();
});

it('looks no more when nobody watches, and again when somebody does', async () => {
  const { add, state, untilOver } = openCounted();
  const stop = add('a', () => {});
  await waitFor(() => state.looks.length > 0);
  stop();
  stop();
  for (const id of ['b', 'c']) state.over.add(id);
  await untilOver('b');
  const before = state.looks.length;
  await untilOver('c');
  expect(state.looks.slice(before)).toEqual([['c']]);
});

it('goes on after a look that failed', async () => {
  const { state, untilOver } = openCounted();
  state.fault = new Error('the database says no');
  state.over.add('a');
  const done = untilOver('a');
  await waitFor(() => state.looks.length >= 2);
  state.fault = null;
  await done;
});

it('does not call back who stopped within the callback of another', async () => {
  const { add, state } = openCounted();
  const told: string[] = [];
  state.over.add('a');
  let stopSecond = () => {};
  add('a', () => {
    told.push('first');
    stopSecond();
  });
  stopSecond = add('a', () => told.push('second'));
  await waitFor(() => told.length > 0);
  expect(told).toEqual(['first']);
});
