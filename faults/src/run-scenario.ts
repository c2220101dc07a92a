import { setTimeout as pause } from 'node:timers/promises';
import { startProducer } from './producer.js';
import { type Backend, openRig } from './rig.js';
import type { Scenario } from './scenarios.js';

/** What a fault did, by the two ledgers: the producer's of every 202, the receiver's of every request. */
export interface Outcome {
  scenario: string;
  backend: Backend;
  accepted: number;
  /** Publishes that had to be repeated because they got no 202. */
  repeated: number;
  lost: number;
  duplicates: number;
  /** POSTs under way at the blows: at-least-once may repeat these and no others. */
  inFlight: number;
  /** From the part's return until every later event is at its receiver within a second. */
  normalAfterMs: number;
  /** Deliveries that are in no final state. */
  stuck: number;
}

export interface RunOptions {
  rate: number;
  random: () => number;
  outageMs: number;
  /** How long the load goes on before and after. */
  beforeMs: number;
  afterMs: number;
}

const PROMPT_MS = 1_000;
const GIVE_UP_AFTER_MS = 120_000;

export async function runScenario(scenario: Scenario, backend: Backend, options: RunOptions): Promise<Outcome> {
  const { rate, random, outageMs, beforeMs, afterMs } = options;
  const rig = await openRig(backend);
  try {
    const producer = startProducer({ url: rig.publishUrl, key: rig.operatorKey, rate });
    await pause(beforeMs + random() * 1_000);
    let inFlight = 0;
    const hit = async () => void (inFlight += await rig.inFlight());
    await scenario.strike(rig, { hit, random, outageMs });
    const backAt = Date.now();
    await pause(afterMs);
    await producer.stop();

    const accepted = new Map(producer.accepted.map(({ id, sentAt }) => [id, sentAt]));
    let missing = accepted.size;
    let stuck = 0;
    for (const until = Date.now() + GIVE_UP_AFTER_MS; Date.now() < until; await pause(250)) {
      const seen = new Set((await rig.seen()).map(({ id }) => id));
      missing = [...accepted.keys()].filter((id) => !seen.has(id)).length;
      const statuses = await rig.statuses();
      stuck = (statuses['pending'] ?? 0) + (statuses['held'] ?? 0);
      if (missing === 0 && stuck === 0) break;
    }

    const seen = await rig.seen();
    const firstAt = new Map<string, number>();
    for (const { id, at } of seen) if (!firstAt.has(id)) firstAt.set(id, at);
    const late = [...accepted].filter(
      ([id, sentAt]) => sentAt >= backAt && (firstAt.get(id) ?? Infinity) - sentAt > PROMPT_MS,
    );
    return {
      scenario: scenario.name,
      backend,
      accepted: accepted.size,
      repeated: producer.repeated,
      lost: missing,
      duplicates: seen.length - firstAt.size,
      inFlight,
      normalAfterMs: Math.max(0, ...late.map(([, sentAt]) => sentAt - backAt)),
      stuck,
    };
  } finally {
    await rig.stop();
  }
}
