import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** An event that got its 202. */
export interface Accepted {
  id: string;
  /** When it was first published. */
  sentAt: number;
  /** The subscription of the slow endpoint matches it, too. */
  isForSlow: boolean;
}

export interface Producer {
  /** Every 202 so far. */
  accepted: Accepted[];
  /** Calls without a 202, which were repeated. */
  repeated: number;
  /** When the oldest call without a 202 was first made. Infinity: all calls have their 202. */
  oldestOpenAt(): number;
  /** Publishes no new events; resolves when all published events have their 202. */
  stop(): Promise<void>;
}

/** Events published together, as by a chat app under load: one in a single call, the others in a batch. */
const TOGETHER = 10;
const MOST_OPEN_CALLS = 4_000;
const REPEATS_AT_ONCE = 8;
/** The additional rate while it repeats calls without a 202, as a share of its rate. */
const REPEATS_SHARE = 0.5;
/** How long the last events have to arrive before all remaining repeats are sent at once. */
const LAST_ARRIVE_WITHIN_MS = 1_000;

/** A correct chat app: publishes at a steady rate with an idempotency key per event, and repeats each call until it gets a 202. After
 *  an outage it catches up at one and a half times its rate. stop() throws if a call got a 4xx, which no fault may cause. Long, because its
 *  calls share one state. */
export function startProducer({ url, key, rate }: { url: string; key: string; rate: number }): Producer {
  const agent = new Agent({ connections: 64, pipelining: 1 });
  const run = Math.random().toString(36).slice(2);
  const open = new Map<Promise<void>, number>();
  const refused: unknown[] = [];
  // Each tick of the timer below makes two calls, and may repeat one: half as many again.
  const repeats = openLine({ atOnce: REPEATS_AT_ONCE, everyMs: (TOGETHER * 1_000) / rate / (2 * REPEATS_SHARE) });
  const start = Date.now();
  let sent = 0;
  const producer: Producer = {
    accepted: [],
    repeated: 0,
    // Map keeps the order of insertion.
    oldestOpenAt: () => open.values().next().value ?? Infinity,
    async stop() {
      clearInterval(timer);
      await pause(LAST_ARRIVE_WITHIN_MS);
      repeats.hurry();
      while (open.size > 0) await Promise.all(open.keys());
      await agent.close();
      if (refused.length > 0) throw refused[0];
    },
  };

  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - start) / 1_000) * rate);
    for (; sent + TOGETHER <= due; sent += TOGETHER) {
      // Hanging calls do not delay others, but their number is bounded.
      if (open.size > MOST_OPEN_CALLS) continue;
      const numbers = Array.from({ length: TOGETHER }, (_, index) => sent + index);
      begin(sendAlone(numbers[0] ?? sent));
      begin(sendTogether(numbers.slice(1)));
    }
  }, 10);

  function begin(call: Promise<void>): void {
    const settled = call.catch((error: unknown) => void refused.push(error));
    open.set(settled, Date.now());
    void settled.finally(() => open.delete(settled));
  }

  async function sendAlone(n: number): Promise<void> {
    const sentAt = Date.now();
    const { type, isForSlow } = kindOf(n);
    const body = `{"event":"${type}","payload":{"n":${n}}}`;
    const { id } = (await untilAccepted(url, body, { 'idempotency-key': `${run}-${n}` })) as { id: string };
    producer.accepted.push({ id, sentAt, isForSlow });
  }

  async function sendTogether(numbers: number[]): Promise<void> {
    const sentAt = Date.now();
    const events = numbers.map((n) => ({ event: kindOf(n).type, payload: { n }, idempotencyKey: `${run}-${n}` }));
    const { data } = (await untilAccepted(`${url}/batch`, JSON.stringify({ events }))) as { data: { id: string }[] };
    for (const [index, { id }] of data.entries()) {
      producer.accepted.push({ id, sentAt, isForSlow: kindOf(numbers[index] ?? 0).isForSlow });
    }
  }

  async function untilAccepted(to: string, body: string, headers: Record<string, string> = {}): Promise<unknown> {
    const once = async () => {
      const result = await post({ agent, key, to, body, headers });
      if (!result) producer.repeated += 1;
      return result;
    };
    const first = await once();
    return first
      ? first.accepted
      : repeats.add(async () => {
          for (;;) {
            await pause(100);
            const result = await once();
            if (result) return result.accepted;
          }
        });
  }
  return producer;
}

/** Makes one call. null: unreachable, cut off or too slow, so the events may be stored or not; their keys make a repeat safe. Throws
 *  Refused after a 4xx. */
async function post({
  agent,
  key,
  to,
  body,
  headers,
}: {
  agent: Agent;
  key: string;
  to: string;
  body: string;
  headers: Record<string, string>;
}): Promise<{ accepted: unknown } | null> {
  try {
    const { statusCode, body: response } = await request(to, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body,
      dispatcher: agent,
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    });
    const text = await response.text();
    if (statusCode === 202) return { accepted: JSON.parse(text) };
    if (statusCode < 500) throw new Refused(`${statusCode} ${text}`);
  } catch (error) {
    if (error instanceof Refused) throw error;
  }
  return null;
}

/** One in 20 also goes to the failing subscription, one in 50 to the slow one; the others only to the healthy one. */
function kindOf(n: number): { type: string; isForSlow: boolean } {
  if (n % 50 === 7) return { type: 'conversation:updated', isForSlow: true };
  return { type: n % 20 === 3 ? 'conversation:created' : 'message:created', isForSlow: false };
}

class Refused extends Error {}

/** Starts work in order of arrival, at a bounded pace and with bounded concurrency. */
function openLine({ atOnce, everyMs }: { atOnce: number; everyMs: number }) {
  const waiting: (() => void)[] = [];
  let running = 0;
  let nextAt = 0;
  let pace = everyMs;
  return {
    async add<T>(work: () => Promise<T>): Promise<T> {
      if (running < atOnce) running += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      nextAt = Math.max(Date.now(), nextAt + pace);
      await pause(nextAt - Date.now());
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else running -= 1;
      }
    },
    /** Removes the bound of the pace. */
    hurry: () => void (pace = 0),
  };
}
