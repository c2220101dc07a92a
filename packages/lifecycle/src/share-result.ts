/** Concurrent calls share one run of `work`, and later calls get its result until that run began `maxAgeMs` ago, which may depend on the result.
 *  A failure rejects the calls that wait for it and is not cached. */
export function shareResult<T>(
  work: () => Promise<T>,
  { maxAgeMs, now = () => performance.now() }: { maxAgeMs: number | ((result: T) => number); now?: () => number },
): () => Promise<T> {
  let last: { until: number; result: T } | undefined;
  let running: Promise<T> | undefined;

  async function run(): Promise<T> {
    const startedAt = now();
    const result = await work();
    last = { until: startedAt + (typeof maxAgeMs === 'number' ? maxAgeMs : maxAgeMs(result)), result };
    return result;
  }

  return () => {
    if (last && now() < last.until) return Promise.resolve(last.result);
    running ??= run().finally(() => (running = undefined));
    return running;
  };
}
