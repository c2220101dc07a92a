import { Agent, request } from 'undici';

/** An event that got its 202, and when it was first handed over. */
export interface Accepted {
  id: string;
  sentAt: number;
}

export interface Producer {
  /** Every 202 so far. */
  accepted: Accepted[];
  /** Calls that were not answered 202 and were repeated. */
  repeated: number;
  /** Sends no more new events; resolves when all that were sent have their 202. */
  stop(): Promise<void>;
}

/** A chat app with manners: a steady rate, an Idempotency-Key per event, and each call repeated until it gets its 202. */
export function startProducer({ url, key, rate }: { url: string; key: string; rate: number }): Producer {
  const agent = new Agent({ connections: 128, pipelining: 1 });
  const run = Math.random().toString(36).slice(2);
  const open = new Set<Promise<void>>();
  const start = Date.now();
  let sent = 0;
  const producer: Producer = {
    accepted: [],
    repeated: 0,
    async stop() {
      clearInterval(timer);
      while (open.size > 0) await Promise.all(open);
      await agent.close();
    },
  };

  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - start) / 1_000) * rate);
    // A call that hangs does not hold the others up, but it is not without bound either.
    for (; sent < due && open.size < 5_000; sent += 1) {
      const one = send(sent);
      open.add(one);
      void one.finally(() => open.delete(one));
    }
    sent = Math.max(sent, due - 5_000);
  }, 5);

  async function send(n: number): Promise<void> {
    const sentAt = Date.now();
    const options = {
      method: 'POST' as const,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': `${run}-${n}` },
      // One in ten also goes to the subscriptions that fail and that are slow.
      body: `{"event":"${n % 10 === 0 ? 'conversation:created' : 'message:created'}","payload":{"n":${n}}}`,
      dispatcher: agent,
      headersTimeout: 10_000,
    };
    for (;;) {
      try {
        const { statusCode, body } = await request(url, options);
        const text = await body.text();
        if (statusCode === 202) {
          producer.accepted.push({ id: (JSON.parse(text) as { id: string }).id, sentAt });
          return;
        }
        if (statusCode < 500) throw new Refused(`${statusCode} ${text}`);
      } catch (error) {
        if (error instanceof Refused) throw error;
        // unreachable, cut off or too slow: it may have been stored or not; the key makes asking again safe
      }
      producer.repeated += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return producer;
}

class Refused extends Error {}
