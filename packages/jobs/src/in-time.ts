const RESPOND_WITHIN_MS = 3_000;

/** Rejects when `work` takes longer than three seconds, since BullMQ's own calls may wait forever for a connection. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the queue did not respond within ${RESPOND_WITHIN_MS} ms`)),
      RESPOND_WITHIN_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
