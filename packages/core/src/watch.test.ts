import { waitFor } from '@posthorn/testing';
import { expect, it } from 'vitest';
import { openWatch } from './watch.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A watch that counts its polls. A row has ended once its id is in `ended`. */
function openCounted() {
  const polls: string[][] = [];
  const ended = new Set<string>();
  const state = { polls, ended, fault: null as Error | null };
  const watch = openWatch({
    everyMs: 1,
    async findEnded(ids) {
      polls.push(ids);
      if (state.fault) throw state.fault;
      return ids.filter((id) => ended.has(id));
    },
    log: silent,
  });
  return { ...watch, state, untilEnded: (id: string) => new Promise<void>((resolve) => void watch.add(id, resolve)) };
}

it('makes one query for all watched rows, and reports once that a row has ended', async () => {
  const { add, state } = openCounted();
  const reported: string[] = [];
  const stops = ['a', 'b', 'a'].map((id) => add(id, () => reported.push(id)));
  await waitFor(() => state.polls.length >= 2);
  expect(state.polls[0]).toEqual(['a', 'b']);
  state.ended.add('a');
  await waitFor(() => reported.length > 0);
  expect(reported).toEqual(['a', 'a']);
  const before = state.polls.length;
  await waitFor(() => state.polls.length > before);
  expect(state.polls.at(-1)).toEqual(['b']);
  for (const stop of stops) stop();
});

it('stops its queries without watchers, and resumes with the first one', async () => {
  const { add, state, untilEnded } = openCounted();
  const stop = add('a', () => {});
  await waitFor(() => state.polls.length > 0);
  stop();
  stop();
  for (const id of ['b', 'c']) state.ended.add(id);
  await untilEnded('b');
  const before = state.polls.length;
  await untilEnded('c');
  expect(state.polls.slice(before)).toEqual([['c']]);
});

it('continues after a failed query', async () => {
  const { state, untilEnded } = openCounted();
  state.fault = new Error('the database failed');
  state.ended.add('a');
  const done = untilEnded('a');
  await waitFor(() => state.polls.length >= 2);
  state.fault = null;
  await done;
});

it('does not call a watcher that stopped within the callback of another', async () => {
  const { add, state } = openCounted();
  const reported: string[] = [];
  state.ended.add('a');
  let stopSecond = () => {};
  add('a', () => {
    reported.push('first');
    stopSecond();
  });
  stopSecond = add('a', () => reported.push('second'));
  await waitFor(() => reported.length > 0);
  expect(reported).toEqual(['first']);
});
