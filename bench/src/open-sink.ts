import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { forkHere } from './fork-here.js';

/** The endpoints of all measured systems. Each name is a separate endpoint. */
export interface Sink {
  pid: number;
  url(name: string): string;
  /** Forgets the requests of an endpoint. */
  reset(name: string): Promise<void>;
  /** Without latencies, which `report` includes. */
  look(name: string): Promise<Seen>;
  report(name: string): Promise<Seen>;
  /** Resolves with the endpoint's report once that many events have arrived. Throws if none arrives for 60 s. */
  untilReceived(name: string, count: number, signal: AbortSignal): Promise<Seen>;
  close(): void;
}

export interface Seen {
  count: number;
  /** Arrival of the last one, in milliseconds since the epoch. */
  lastAt: number;
  /** From `sentAt` of the event to its arrival. */
  latenciesMs: number[];
}

const QUIET_MS = 60_000;

export async function openSink(): Promise<Sink> {
  const process = forkHere('./sink.js');
  const [{ port }] = (await once(process, 'message')) as [{ port: number }];
  const asked = new Map<number, (seen: Seen) => void>();
  let lastId = 0;
  process.on('message', ({ id, ...seen }: Seen & { id: number }) => {
    asked.get(id)?.(seen);
    asked.delete(id);
  });
  function ask(question: 'reset' | 'look' | 'report', name: string): Promise<Seen> {
    const id = (lastId += 1);
    return new Promise((resolve) => {
      asked.set(id, resolve);
      process.send({ id, path: `/${name}`, question });
    });
  }
  return {
    pid: process.pid ?? 0,
    url: (name) => `http://127.0.0.1:${port}/${name}`,
    reset: async (name) => void (await ask('reset', name)),
    look: (name) => ask('look', name),
    report: (name) => ask('report', name),
    async untilReceived(name, count, signal) {
      let [most, since] = [-1, performance.now()];
      for (;;) {
        const seen = await ask('look', name);
        if (seen.count >= count) return seen;
        if (seen.count > most) [most, since] = [seen.count, performance.now()];
        if (performance.now() - since > QUIET_MS)
          throw new Error(`${seen.count} of ${count} events arrived, and none for ${QUIET_MS / 1_000} s`);
        signal.throwIfAborted();
        await pause(50);
      }
    },
    close: () => void process.kill(),
  };
}
