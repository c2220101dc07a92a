import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '@posthorn/testing';
import { describe, expect, it } from 'vitest';
import { type Pass, openLanes } from './lanes.js';

const SLOW_AFTER_MS = 20;
/** However busy this machine is. */
const untilSlow = (lanes: ReturnType<typeof openLanes>, id: string) => waitFor(() => lanes.bearable(id) !== null);
/** One attempt of it has ended. */
const know = async (lanes: ReturnType<typeof openLanes>, ...ids: string[]) => {
  for (const id of ids) (await lanes.enter(id))?.leave();
};
const passes = async (entering: Promise<Pass | null>[]) =>
  (await Promise.all(entering)).filter((pass) => pass !== null);
const enterAll = (lanes: ReturnType<typeof openLanes>, id: string, count: number) =>
  passes(Array.from({ length: count }, () => lanes.enter(id)));

describe('lanes', () => {
  it('one subscription alone never has all slots: the next one enters at once', async () => {
    const lanes = openLanes({ slots: 100, slowAfterMs: 10_000 });
    await know(lanes, 'a');
    for (let count = 0; count < 60; count += 1) void lanes.enter('a');
    expect(lanes.underWay('a')).toBe(34);
    expect(await lanes.enter('b')).not.toBeNull();
  });

  it('who waits goes on as soon as one before it leaves; when its subscription is found slow, as many as have room, and the others are told to come again', async () => {
    const lanes = openLanes({ slots: 2, slowAfterMs: 10_000 });
    const first = await lanes.enter('a');
    const second = lanes.enter('a');
    first?.leave();
    expect(await second).not.toBeNull();

    const hasty = openLanes({ slots: 2, slowAfterMs: SLOW_AFTER_MS });
    await know(hasty, 'a');
    const entered = await enterAll(hasty, 'a', 8);
    // Those that wait see the others become slow, and take their slots, until the slow share is full as well.
    expect(entered.length).toBeLessThan(8);
  });

  it('regression: whose receiver is quick is never told to come again, however long the line of its own', async () => {
    const lanes = openLanes({ slots: 2, slowAfterMs: 100 });
    let posted = 0;
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const pass = await lanes.enter('a');
        await pause(5);
        if (pass) posted += 1;
        pass?.leave();
      }),
    );
    expect(posted).toBe(60);
  });

  it('regression: while our own process is busy no receiver is called slow for that', async () => {
    const lanes = openLanes({ slots: 10, slowAfterMs: SLOW_AFTER_MS });
    const pass = await lanes.enter('a');
    for (const from = performance.now(); performance.now() - from < 10 * SLOW_AFTER_MS;);
    // Its answer is read after the timer.
    await new Promise((resolve) => setTimeout(resolve));
    pass?.leave();
    await lanes.enter('a');
    expect(lanes.bearable('a')).toBeNull();
  });

  it('a hundred that hang leave room: what is slow has slots beside the others, and never all of them (I1)', async () => {
    let beside = 0;
    const lanes = openLanes({ slots: 200, slowAfterMs: SLOW_AFTER_MS, onBeside: (count) => (beside = count) });
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, n) => lanes.enter(`hangs-${n}`)));
      await waitFor(() => beside >= 100);
    }
    expect(beside).toBeGreaterThanOrEqual(100);
    expect(beside).toBeLessThanOrEqual(200);
    expect(lanes.underWay('hangs-0')).toBeLessThan(5);
    expect(await lanes.enter('healthy')).not.toBeNull();
  });

  it('whose attempts hang right now has its next ones beside the others from the start', async () => {
    let beside = 0;
    const lanes = openLanes({ slots: 10, slowAfterMs: SLOW_AFTER_MS, onBeside: (count) => (beside = count) });
    await know(lanes, 'hangs');
    const hanging = await lanes.enter('hangs');
    await untilSlow(lanes, 'hangs');
    const next = await lanes.enter('hangs');
    expect(beside).toBe(2);
    hanging?.leave();
    next?.leave();
    await enterAll(lanes, 'hangs', 1);
    expect(beside).toBe(0);
  });

  it('who was slow at last begins so, and is fresh again after one that is quick', async () => {
    let beside = 0;
    const lanes = openLanes({ slots: 10, slowAfterMs: SLOW_AFTER_MS, onBeside: (count) => (beside = count) });
    const slow = await lanes.enter('a');
    await untilSlow(lanes, 'a');
    slow?.leave();
    expect(beside).toBe(0);
    const next = await lanes.enter('a');
    expect(beside).toBe(1);
    next?.leave();
    void lanes.enter('a');
    expect(beside).toBe(0);
  });

  it('who waits is beside the slots, and so is each fresh one of many subscriptions: the next one is always looked at', async () => {
    let beside = 0;
    const lanes = openLanes({ slots: 4, slowAfterMs: 10_000, onBeside: (count) => (beside = count) });
    await know(lanes, 'a');
    const entered = await enterAll(lanes, 'a', 2);
    const waiting = lanes.enter('a');
    expect(beside).toBe(1);
    for (const id of ['b', 'c', 'd', 'e']) void lanes.enter(id);
    expect(beside).toBe(3);
    for (const pass of entered) pass.leave();
    expect(await waiting).not.toBeNull();
    expect(beside).toBe(1);
  });

  it('who has no room can bear as many as ever while nothing of it is slow; then what is under way, and twice what still is quick', async () => {
    const lanes = openLanes({ slots: 100, slowAfterMs: SLOW_AFTER_MS });
    await know(lanes, 'a');
    void lanes.enter('a');
    expect(lanes.bearable('a')).toBeNull();
    await untilSlow(lanes, 'a');
    expect(lanes.bearable('a')).toBe(1);
    const quick = await enterAll(lanes, 'a', 3);
    expect(lanes.bearable('a')).toBe(6);
    for (const pass of quick) pass.leave();
    expect(lanes.bearable('a')).toBe(1);
  });

  it('of one that it does not know yet it makes one attempt, and the others when that has ended or is found slow', async () => {
    const lanes = openLanes({ slots: 100, slowAfterMs: 10_000 });
    const first = await lanes.enter('a');
    const others = enterAll(lanes, 'a', 5);
    expect(lanes.underWay('a')).toBe(1);
    first?.leave();
    expect(await others).toHaveLength(5);

    // A worker that has just begun must not give one that takes a second for each a single place, and lower its bound to that.
    const hasty = openLanes({ slots: 100, slowAfterMs: SLOW_AFTER_MS });
    expect(await enterAll(hasty, 'slow', 5)).toHaveLength(5);
  });

  it('of a hundred that it does not know yet and that hang each has one or two attempts, and the others come again at once', async () => {
    const lanes = openLanes({ slots: 100, slowAfterMs: SLOW_AFTER_MS });
    const ids = Array.from({ length: 100 }, (_, n) => `hangs-${n}`);
    const entered = await passes(ids.flatMap((id) => Array.from({ length: 5 }, () => lanes.enter(id))));
    expect(entered.length).toBeGreaterThanOrEqual(100);
    expect(entered.length).toBeLessThan(220);
    expect(lanes.bearable('hangs-99')).toBe(1);
  });

  it('whose last attempt was slow begins the next one up to a tenth of that later', async () => {
    const lanes = openLanes({ slots: 100, slowAfterMs: SLOW_AFTER_MS, random: () => 1 });
    const slow = await lanes.enter('a');
    await pause(300);
    slow?.leave();
    const from = performance.now();
    const next = await lanes.enter('a');
    expect(performance.now() - from).toBeGreaterThan(25);
    // Which was no time of its receiver: that was quick now.
    next?.leave();
    await lanes.enter('a');
    expect(lanes.bearable('a')).toBeNull();
  });

  it('what left is forgotten: no slot leaks, fresh or slow', async () => {
    let beside = -1;
    const lanes = openLanes({ slots: 10, slowAfterMs: SLOW_AFTER_MS, onBeside: (count) => (beside = count) });
    await know(lanes, 'a', 'b');
    const entered = await enterAll(lanes, 'a', 5);
    await untilSlow(lanes, 'a');
    for (const pass of entered) pass.leave();
    expect(beside).toBe(0);
    expect(lanes.underWay('a')).toBe(0);
    expect(await enterAll(lanes, 'b', 5)).toHaveLength(entered.length);
  });

  it('what a person waits for is not held back', async () => {
    const lanes = openLanes({ slots: 2, slowAfterMs: 10_000 });
    void lanes.enter('a');
    expect(lanes.push('a')).toBeDefined();
    expect(lanes.underWay('a')).toBe(2);
  });
});
