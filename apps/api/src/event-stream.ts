import { Readable } from 'node:stream';

export interface EventStream {
  /** The body of the response. */
  readable: Readable;
  /** Sends an event. Above the rate limit, or if the reader is too slow, it only counts the event for the next `skipped`. */
  send(event: { name: string; id: string; data: object }): void;
  /** Counts events that were skipped before they reached the stream. null: an unknown number. */
  skip(count: number | null): void;
  /** Keeps the connection alive for the reader and for proxies. Destroys the stream if the reader has read nothing for a minute, or
   *  if it has ended. */
  beat(): void;
  /** Nothing is sent after this. */
  end(): void;
}

/** Default number of bytes that are buffered for a slow reader. */
const MAX_BUFFERED_BYTES = 256 * 1024;
const STUCK_MS = 60_000;
const RETRY_MS = 2_000;

/** A stream of server-sent events with bounded memory: at most `perSecond` events, with a burst of `burst`. */
export function openEventStream({
  perSecond,
  burst,
  maxBufferedBytes = MAX_BUFFERED_BYTES,
  now = () => performance.now(),
}: {
  perSecond: number;
  burst: number;
  /** Bytes that are buffered for a slow reader. The last event may exceed them. Default: 256 KiB. */
  maxBufferedBytes?: number;
  now?: () => number;
}): EventStream {
  let allowance = burst;
  let refilledAt = now();
  let skipped: number | null = 0;
  let lastReadAt = now();
  let isEnded = false;
  const readable = new Readable({ highWaterMark: maxBufferedBytes, read: () => void (lastReadAt = now()) });
  readable.push(`retry: ${RETRY_MS}\n\n`);

  const isFull = (): boolean => readable.readableLength >= maxBufferedBytes;
  const isOver = (): boolean => readable.destroyed || isEnded;

  function refill(): void {
    allowance = Math.min(burst, allowance + ((now() - refilledAt) / 1_000) * perSecond);
    refilledAt = now();
  }

  function skip(count: number | null): void {
    skipped = skipped === null || count === null ? null : skipped + count;
  }

  /** Reports skipped events before the next event, once there is room. */
  function reportSkipped(): void {
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
      reportSkipped();
      allowance -= 1;
      readable.push(`event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    skip,
    beat() {
      if (isOver()) return void readable.destroy();
      if (isFull() && now() - lastReadAt > STUCK_MS) return void readable.destroy();
      if (isFull()) return;
      reportSkipped();
      readable.push(': still here\n\n');
    },
    end() {
      if (isOver()) return;
      isEnded = true;
      readable.push(null);
    },
  };
}
