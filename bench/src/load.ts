import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds since the epoch, on the clock that all processes of the machine share. */
export const now = (): number => performance.timeOrigin + performance.now();

/** An event's payload of about 900 bytes, the size of a chat message. It carries the moment of its publish. */
export const newPayload = (n: number): string =>
  `{"sentAt":${now()},"n":${n},"body":"${'Hey there! '.repeat(70)}","object":"message"}`;

/** Publishes `rate` events a second, without waiting for one before the next: `total` of them, or those until `until` aborts.
 *  Resolves when all are accepted, with how long that took for each. */
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
    // As many as are due by now.
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

/** Publishes as fast as it can, `atOnce` requests at a time. Resolves when all are accepted. */
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
