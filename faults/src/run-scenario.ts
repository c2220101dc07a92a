import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { type Verdict, PROMPT_MS, IN_FLIGHT_MARGIN_MS, countArrived, isNormal, judge, slowest } from './judge.js';
import { startProducer } from './producer.js';
import type { Seen } from './endpoint.js';
import { type Backend, openRig } from './rig.js';
import type { RedisKind } from './rig-redis.js';
import type { Scenario } from './scenario.js';

export interface Outcome extends Verdict {
  /** Publishes that were repeated because they got no 202. */
  repeated: number;
  /** Unfinished deliveries. */
  stuck: number;
  /** The share of the machine's CPU that all programs used during the load. */
  busy: number;
  /** An event that arrives this soon is prompt. On a busy machine: four times the usual time before the fault. */
  promptMs: number;
}

export interface RunOptions {
  redisKind: RedisKind;
  rate: number;
  random: () => number;
  /** The long form also checks how soon the flow is as before the fault. The short form only counts: it lasts until EVENTS_EACH_SIDE
   *  events have arrived before and after the fault, however long that takes. */
  isLong: boolean;
}

/** An event that has not arrived after this time counts as lost. Long enough for slow ones. */
const SETTLED_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 500;
const WARM_UP_MS = 6_000;
/** In the short form, this many events arrive before the fault, and this many that were published after it. */
const EVENTS_EACH_SIDE = 100;

/** Runs the load until the flow is normal, injects the fault at a random time, and runs the load until the flow is normal again. Then
 *  waits for accepted events to arrive, and compares the ledgers. Long, because it is the protocol of a run, step by step. */
export async function runScenario(scenario: Scenario, backend: Backend, options: RunOptions): Promise<Outcome> {
  const { redisKind, rate, random, isLong } = options;
  const rig = await openRig(backend, { ...scenario.needs, redisKind });
  try {
    const busySince = sampleProcessors();
    const producer = startProducer({ urls: () => rig.publishUrls, key: rig.operatorKey, rate });
    let seen: Seen[] = [];
    /** Waits until the flow is normal, for at least `leastMs` and at most `mostMs`. */
    const untilNormal = async (promptMs: number, leastMs: number, mostMs: number): Promise<void> => {
      for (const from = Date.now(); Date.now() - from <= mostMs; await pause(LOOK_EVERY_MS)) {
        seen = seen.concat(await rig.seen(seen.length));
        const isLongEnough = Date.now() - from >= leastMs;
        if (isLongEnough && isNormal({ accepted: producer.accepted, seen, promptMs }, producer.oldestOpenAt())) return;
      }
    };
    const arrived = (since: number): number => countArrived({ accepted: producer.accepted, seen }, since);
    const untilArrived = async (since: number): Promise<void> => {
      for (const from = Date.now(); arrived(since) < EVENTS_EACH_SIDE; await pause(LOOK_EVERY_MS)) {
        if (Date.now() - from > SETTLED_WITHIN_MS) throw new Error(`Only ${arrived(since)} events arrived.`);
        seen = seen.concat(await rig.seen(seen.length));
      }
    };
    await untilArrived(0);
    if (isLong) {
      // The first events are slow: processes compile their code, and endpoints get their first connections.
      await pause(WARM_UP_MS);
      seen = await rig.seen(0);
    }
    const since = isLong ? Date.now() - WARM_UP_MS / 2 : 0;
    const usualMs = slowest({ accepted: producer.accepted.filter(({ sentAt }) => sentAt >= since), seen });
    const inFlightMarginMs = Math.max(IN_FLIGHT_MARGIN_MS, 4 * usualMs);
    const promptMs = Math.max(PROMPT_MS, 4 * usualMs);

    await pause(random() * 1_000);
    const faultTimes: number[] = [];
    let backAt: number | undefined;
    await scenario.run(rig, {
      random,
      isLong,
      injectFault(act) {
        faultTimes.push(Date.now());
        const done = act();
        faultTimes.push(Date.now());
        return done;
      },
      isBack: () => void (backAt = Date.now()),
      untilFlows: () => untilArrived(Date.now()),
      reasons: producer.reasons,
    });
    backAt ??= Date.now();
    if (isLong) await untilNormal(promptMs, 6_000, 30_000 + promptMs);
    else await untilArrived(backAt);
    await producer.stop();
    const busy = busySince();

    let stuck = 0;
    for (const from = Date.now(); Date.now() - from < SETTLED_WITHIN_MS; await pause(LOOK_EVERY_MS)) {
      stuck = await rig.countOpen();
      if (stuck === 0) break;
    }
    seen = await rig.seen(0);
    const verdict = judge({ accepted: producer.accepted, seen, faultTimes, backAt, inFlightMarginMs, promptMs });
    return { ...verdict, repeated: producer.repeated, stuck, busy, promptMs };
  } finally {
    await rig.stop();
  }
}

/** Starts to measure. The function returns the share of CPU in use since. */
function sampleProcessors(): () => number {
  const sum = () => {
    const times = cpus().map(({ times: { idle, ...busy } }) => ({
      idle,
      busy: busy.user + busy.nice + busy.sys + busy.irq,
    }));
    return { idle: total(times.map(({ idle }) => idle)), busy: total(times.map(({ busy }) => busy)) };
  };
  const before = sum();
  return () => {
    const after = sum();
    const busy = after.busy - before.busy;
    return busy / Math.max(1, busy + after.idle - before.idle);
  };
}

const total = (numbers: number[]): number => numbers.reduce((sum, one) => sum + one, 0);
