import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Database,
  type Log,
  freezeEvent,
  openAttempter,
  openCipher,
  openLanes,
  openPatience,
  openPublisher,
} from '@posthorn/core';

/** Publishing and delivering without end, through the statements that Posthorn runs; only the queue and the receivers are
 *  left out, for they are not what is measured. */
export interface SteadyLoad {
  /** Events accepted so far. */
  published(): number;
  /** How long each took from its publish to the recorded attempt, since the last call. */
  takeLatencies(): number[];
  /** Ends it, and resolves when all that was accepted has been recorded. */
  stop(): Promise<void>;
}

export function startLoad({
  api,
  worker,
  accountId,
  rate,
  log,
}: {
  api: Database;
  worker: Database;
  accountId: string;
  rate: number;
  log: Log;
}): SteadyLoad {
  const cipher = openCipher({ current: randomBytes(32).toString('base64') });
  const startedAt = new Map<number, number>();
  const underWay = new Set<Promise<void>>();
  let latencies: number[] = [];
  let published = 0;
  const stopping = new AbortController();

  const attempter = openAttempter({
    db: worker,
    cipher,
    log,
    enqueue: () => Promise.resolve(true),
    patience: openPatience({ log }),
    lanes: openLanes({ slots: 1_000 }),
    timeoutMs: 15_000,
    waitsMs: [5_000],
    failingAfterMs: Number.MAX_SAFE_INTEGER / 1_000,
    post: ({ body }) => {
      const { payload } = JSON.parse(Buffer.from(body).toString()) as { payload: { n: number } };
      return Promise.resolve({
        outcome: 'ok' as const,
        statusCode: 200,
        startedAt: new Date(),
        durationMs: 1,
        timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: 1 },
        remoteAddress: '192.0.2.1',
        requestHeaders: { 'content-type': 'application/json', n: String(payload.n) },
        responseHeaders: { 'content-type': 'text/plain' },
        body: Buffer.from('thanks'),
        bodyTruncated: false,
        bodyTooLarge: false,
        retryAfter: null,
        error: null,
      });
    },
    observe: {
      attempted({ result }) {
        const n = Number(result.requestHeaders['n']);
        latencies.push(performance.now() - (startedAt.get(n) ?? Number.NaN));
        startedAt.delete(n);
      },
    },
  });
  const { signal } = new AbortController();
  const publisher = openPublisher({
    db: api,
    cipher,
    enqueue(_queue, due) {
      for (const one of due) follow(attempter.attempt(one, signal));
      return Promise.resolve(true);
    },
  });
  function follow(work: Promise<unknown>): void {
    const followed = work.then(
      () => void underWay.delete(followed),
      (error: unknown) => {
        underWay.delete(followed);
        log.error({ err: error }, 'load.failed');
      },
    );
    underWay.add(followed);
  }

  async function run(): Promise<void> {
    const start = performance.now();
    for (let n = 0; !stopping.signal.aborted; await pause(1)) {
      for (const due = Math.floor(((performance.now() - start) / 1_000) * rate); n < due; n += 1) {
        const text = `{"event":"message:created","payload":{"n":${n},"body":"${'Hey there! '.repeat(40)}"}}`;
        const frozen = freezeEvent(Buffer.from(text));
        if (!frozen.ok) throw new Error(frozen.message);
        startedAt.set(n, performance.now());
        follow(
          publisher.publish({ accountId, frozen: frozen.frozen, idempotencyKey: null }).then(() => (published += 1)),
        );
      }
    }
  }

  const running = run();
  return {
    published: () => published,
    takeLatencies() {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    async stop() {
      stopping.abort();
      await running;
      await publisher.drain();
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
