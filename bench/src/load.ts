import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds since the epoch, on the clock that all processes of the machine share. */
export const now = (): number => performance.timeOrigin + performance.now();

/** An event's payload of about 900 bytes, the size of a chat message. It contains the time of its publish. */
export const newPayload = (n: number): string =>
  `{"sentAt":${now()},"n":${n},"body":"${'Hey there! '.repeat(70)}","object":"message"}`;

/** Publishes `rate` events per second without waiting for responses: `total` events, or until `until` aborts. Resolves with the
 *  durations when all are accepted. */
export async function publishSteadily({
  publish,
  rate,
  total,
  until,
  signal,
}: {
  /** Publishes the n-th event. */
  publish: (n: number) => Promise<void>;
  rate: number;
  total: number;
  until?: AbortSignal;
  signal: AbortSignal;
}): Promise<number[]> {
  const start = now();
  const acceptedMs: number[] = [];
  const published: Promise<void>[] = [];
  const stopping = new AbortController();
  let failure: unknown = null;
  let sent = 0;
  const isOver = () => sent === total || until?.aborted === true;
  while (!isOver()) {
    // Publishes the events that are due by now.
    for (const due = Math.min(total, Math.floor(((now() - start) / 1_000) * rate) + 1); sent < due; sent += 1) {
      const from = now();
      published.push(
        publish(sent).then(
          () => void acceptedMs.push(now() - from),
          (error: unknown) => {
            failure = error;
            stopping.abort();
          },
        ),
      );
    }
    if (stopping.signal.aborted) throw failure;
    signal.throwIfAborted();
    await pause(1);
  }
  await Promise.all(published);
  if (stopping.signal.aborted) throw failure;
  return acceptedMs;
}

/** Publishes as fast as possible, with `atOnce` concurrent requests. Resolves when all are accepted. */
export async function publishFlatOut({
  publish,
  total,
  atOnce,
  signal,
}: {
  publish: (n: number) => Promise<void>;
  total: number;
  atOnce: number;
  signal: AbortSignal;
}): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < total) {
        signal.throwIfAborted();
        await publish(next++);
      }
    }),
  );
}
