const AGAIN_MS = 1_000;

/** Loads a part of the console. Tries again until it succeeds, so that a failure does not unmount the console. */
export async function untilLoaded<T>(load: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
