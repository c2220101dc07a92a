import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** An event that got its 202. */
export interface Accepted {
  id: string;
  /** The producer's number of the event. */
  n: number;
  idempotencyKey: string;
  /** When it was first published. */
  sentAt: number;
  /** When its 202 arrived. */
  acceptedAt: number;
  /** The subscription of the slow endpoint matches it, too. */
  isForSlow: boolean;
}

export interface Producer {
  /** Every 202 so far. */
  accepted: Accepted[];
  /** Calls without a 202, which were repeated. */
  repeated: number;
  /** Their number by reason: a status, or the code of a network error. */
  reasons: Record<string, number>;
  /** Publishes an event again, with its key, and returns the id in the 202. */
  publishAgain(event: Accepted): Promise<string>;
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
export function startProducer({
  urls,
  key,
  rate,
}: {
  /** The APIs, which take turns, as behind a load balancer without health checks. */
  urls: () => readonly string[];
  key: string;
  rate: number;
}): Producer {
  const agent = new Agent({ connections: 64, pipelining: 1 });
  const run = Math.random().toString(36).slice(2);
  const open = new Map<Promise<void>, number>();
  const refused: unknown[] = [];
  // Each tick of the timer below makes two calls, and may repeat one: half as many again.
  const repeats = openLine({ atOnce: REPEATS_AT_ONCE, everyMs: (TOGETHER * 1_000) / rate / (2 * REPEATS_SHARE) });
  const start = Date.now();
  let sent = 0;
  let calls = 0;
  const producer: Producer = {
    accepted: [],
    repeated: 0,
    reasons: {},
    publishAgain: async ({ n }) => (await publish(n)).id,
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
    accept((await publish(n)).id, { n, sentAt });
  }

  const publish = (n: number) =>
    untilAccepted('', `{"event":"${kindOf(n).type}","payload":{"n":${n}}}`, {
      'idempotency-key': keyOf(n),
    }) as Promise<{ id: string }>;

  const keyOf = (n: number): string => `${run}-${n}`;

  function accept(id: string, { n, sentAt }: { n: number; sentAt: number }): void {
    const { isForSlow } = kindOf(n);
    producer.accepted.push({ id, n, idempotencyKey: keyOf(n), sentAt, acceptedAt: Date.now(), isForSlow });
  }

  async function sendTogether(numbers: number[]): Promise<void> {
    const sentAt = Date.now();
    const events = numbers.map((n) => ({ event: kindOf(n).type, payload: { n }, idempotencyKey: keyOf(n) }));
    const { data } = (await untilAccepted('/batch', JSON.stringify({ events }))) as { data: { id: string }[] };
    for (const [index, { id }] of data.entries()) accept(id, { n: numbers[index] ?? 0, sentAt });
  }

  async function untilAccepted(path: string, body: string, headers: Record<string, string> = {}): Promise<unknown> {
    const once = async () => {
      const apis = urls();
      const to = `${apis[calls++ % apis.length]}${path}`;
      const result = await post({ agent, key, to, body, headers });
      if (typeof result !== 'string') return result;
      producer.repeated += 1;
      producer.reasons[result] = (producer.reasons[result] ?? 0) + 1;
      return null;
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

/** Makes one call. A text: why it has no 202, such as 503 or ECONNREFUSED. Then the events may be stored or not; their keys make a repeat
 *  safe. Throws Refused after another status. */
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
}): Promise<{ accepted: unknown } | string> {
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
    return String(statusCode);
  } catch (error) {
    if (error instanceof Refused) throw error;
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
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
