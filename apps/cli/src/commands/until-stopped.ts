/** A signal that aborts at Ctrl-C or SIGTERM, which are the normal end of commands that follow something. */
export function untilStopped(): { signal: AbortSignal; stop(): void; release(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    stop,
    release() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
