/** Runs `work` once for everybody who asks at the same time, and again only when its last run began `maxAgeMs` ago or
 *  earlier; until then everybody gets the last result. A failure goes to those who wait for it and is not kept. */
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
