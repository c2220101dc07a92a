import { Readable } from 'node:stream';

export interface EventStream {
  /** What is sent as the answer; it ends when nobody reads it any more. */
  readable: Readable;
  /** Sends an event, unless there were too many or the reader is too slow: then it is counted, and `skipped` tells of it. */
  send(event: { name: string; id: string; data: object }): void;
  /** So many were left out before they came here; null: nobody counted them. */
  skip(count: number | null): void;
  /** Tells a reader, and whatever is between, that it goes on. Breaks off a stream whose reader took nothing for a minute, or has
   *  not read to its end since the last beat. */
  beat(): void;
  /** Nothing is sent after this. */
  end(): void;
}

/** Bytes that may wait for a reader. */
const MOST_WAITING_BYTES = 256 * 1024;
const STUCK_MS = 60_000;
const RETRY_MS = 2_000;

/** Server-sent events that no reader can make us keep: at most `perSecond` of them, with a burst of `burst`. */
export function openEventStream({
  perSecond,
  burst,
  now = () => performance.now(),
}: {
  perSecond: number;
  burst: number;
  now?: () => number;
}): EventStream {
  let allowance = burst;
  let refilledAt = now();
  let skipped: number | null = 0;
  let tookAt = now();
  let isEnded = false;
  const readable = new Readable({ highWaterMark: MOST_WAITING_BYTES, read: () => void (tookAt = now()) });
  readable.push(`retry: ${RETRY_MS}\n\n`);

  const isFull = (): boolean => readable.readableLength >= MOST_WAITING_BYTES;
  const isOver = (): boolean => readable.destroyed || isEnded;

  function refill(): void {
    allowance = Math.min(burst, allowance + ((now() - refilledAt) / 1_000) * perSecond);
    refilledAt = now();
  }

  function skip(count: number | null): void {
    skipped = skipped === null || count === null ? null : skipped + count;
  }

  /** What was left out is told as soon as there is room, before anything else. */
  function tellSkipped(): void {
    if (skipped === 0 || isFull()) return;
    readable.push(`event: skipped\ndata: ${JSON.stringify({ count: skipped })}\n\n`);
    skipped = 0;
  }

  return {
    readable,
    send({ name, id, data }) {
      if (isOver()) return;
      refill();
      if (allowance < 1 || isFull()) return skip(1);
      tellSkipped();
      allowance -= 1;
      readable.push(`event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    skip,
    beat() {
      if (isOver()) return void readable.destroy();
      if (isFull() && now() - tookAt > STUCK_MS) return void readable.destroy();
      if (isFull()) return;
      tellSkipped();
      readable.push(': still here\n\n');
    },
    end() {
      if (isOver()) return;
      isEnded = true;
      readable.push(null);
    },
  };
}
