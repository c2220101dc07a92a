import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** An event that got its 202. */
export interface Accepted {
  id: string;
  /** When it was first handed over. */
  sentAt: number;
  /** The subscription with the slow receiver wants it too. */
  isForSlow: boolean;
}

export interface Producer {
  /** Every 202 so far. */
  accepted: Accepted[];
  /** Calls that were not answered 202 and were repeated. */
  repeated: number;
  /** When the oldest call that has no 202 yet was first made; Infinity if all have theirs. */
  oldestOpenAt(): number;
  /** Sends no more new events; resolves when all that were sent have their 202. */
  stop(): Promise<void>;
}

/** Events handed over together, as a chat app under load does. One of them goes alone, so that both roads are in use. */
const TOGETHER = 10;
const MOST_OPEN_CALLS = 4_000;
const REPEATS_AT_ONCE = 8;
/** Of its rate, how much is on top while it repeats what got no 202. */
const REPEATS_SHARE = 0.5;
/** What is sent last has so long to arrive before the rest of the repeats come all at once. */
const LAST_ARRIVE_WITHIN_MS = 1_000;

/** A chat app with manners: a steady rate, an idempotency key per event, and each call repeated until it gets its 202; after an
 *  outage it does not make up for all of it at once, but sends half as much again as it always does. Throws from stop() what
 *  was refused with a 4xx: no fault may cause that. */
export function startProducer({ url, key, rate }: { url: string; key: string; rate: number }): Producer {
  const agent = new Agent({ connections: 64, pipelining: 1 });
  const run = Math.random().toString(36).slice(2);
  const open = new Map<Promise<void>, number>();
  const refused: unknown[] = [];
  // Per turn of the clock below two calls, of which one may be repeated: so half as many again.
  const repeats = openLine({ atOnce: REPEATS_AT_ONCE, everyMs: (TOGETHER * 1_000) / rate / (2 * REPEATS_SHARE) });
  const start = Date.now();
  let sent = 0;
  const producer: Producer = {
    accepted: [],
    repeated: 0,
    // The first that was added is the oldest.
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
      // A call that hangs does not hold the others up, but they are not without bound either.
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
    const options = {
      method: 'POST' as const,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body,
      dispatcher: agent,
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    };
    const once = async (): Promise<{ answer: unknown } | null> => {
      try {
        const { statusCode, body: answered } = await request(to, options);
        const text = await answered.text();
        if (statusCode === 202) return { answer: JSON.parse(text) };
        if (statusCode < 500) throw new Refused(`${statusCode} ${text}`);
      } catch (error) {
        if (error instanceof Refused) throw error;
        // unreachable, cut off or too slow: it may have been stored or not; the key makes asking again safe
      }
      producer.repeated += 1;
      return null;
    };
    const first = await once();
    return first
      ? first.answer
      : repeats.add(async () => {
          for (;;) {
            await pause(100);
            const accepted = await once();
            if (accepted) return accepted.answer;
          }
        });
  }
  return producer;
}

/** One in 20 also goes to the subscription that fails, one in 50 to the one that is slow; the rest to the healthy one alone. */
function kindOf(n: number): { type: string; isForSlow: boolean } {
  if (n % 50 === 7) return { type: 'conversation:updated', isForSlow: true };
  return { type: n % 20 === 3 ? 'conversation:created' : 'message:created', isForSlow: false };
}

class Refused extends Error {}

/** Work that is begun at a bounded pace, and so much at a time, in the order it came. */
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
    /** From now on as fast as it goes. */
    hurry: () => void (pace = 0),
  };
}
