/** Concurrent calls share one run of `work`, and later calls get its result until that run began `maxAgeMs` ago.
 *  A failure rejects the calls that wait for it and is not cached. */
export function shareResult<T>(
  work: () => Promise<T>,
  { maxAgeMs, now = () => performance.now() }: { maxAgeMs: number; now?: () => number },
): () => Promise<T> {
  let last: { startedAt: number; result: T } | undefined;
  let running: Promise<T> | undefined;

  async function run(): Promise<T> {
    const startedAt = now();
    const result = await work();
    last = { startedAt, result };
    return result;
  }

  return () => {
    if (last && now() - last.startedAt < maxAgeMs) return Promise.resolve(last.result);
    running ??= run().finally(() => (running = undefined));
    return running;
  };
}
