import { waitFor } from '@posthorn/testing';
import { expect, it } from 'vitest';
import { openWatch } from './watch.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A watch that counts its looks. A row is over once its id is in `over`. */
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

it('makes one query for all watched rows, and reports once that a row has ended', async () => {
  const { add, state } = openCounted();
  const reported: string[] = [];
  const stops = ['a', 'b', 'a'].map((id) => add(id, () => reported.push(id)));
  await waitFor(() => state.looks.length >= 2);
  expect(state.looks[0]).toEqual(['a', 'b']);
  state.over.add('a');
  await waitFor(() => reported.length > 0);
  expect(reported).toEqual(['a', 'a']);
  const before = state.looks.length;
  await waitFor(() => state.looks.length > before);
  expect(state.looks.at(-1)).toEqual(['b']);
  for (const stop of stops) stop();
});

it('stops its queries without watchers, and resumes with the first one', async () => {
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

it('continues after a failed query', async () => {
  const { state, untilOver } = openCounted();
  state.fault = new Error('the database failed');
  state.over.add('a');
  const done = untilOver('a');
  await waitFor(() => state.looks.length >= 2);
  state.fault = null;
  await done;
});

it('does not call a watcher that stopped within the callback of another', async () => {
  const { add, state } = openCounted();
  const reported: string[] = [];
  state.over.add('a');
  let stopSecond = () => {};
  add('a', () => {
    reported.push('first');
    stopSecond();
  });
  stopSecond = add('a', () => reported.push('second'));
  await waitFor(() => reported.length > 0);
  expect(reported).toEqual(['first']);
});
