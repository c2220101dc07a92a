import { Readable } from 'node:stream';

const STUCK_MS = 60_000;
/** Bytes that may wait for the reader, beside one chunk. */
const MOST_WAITING_BYTES = 64 * 1024;

/** A stream of these texts. It gets the next one only after the reader has read the ones before, so a stalled reader costs one chunk of
 *  memory and no work. It is destroyed when the reader reads nothing for `stuckMs`. Default: one minute. */
export function openExportStream(texts: AsyncIterator<string>, { stuckMs = STUCK_MS } = {}): Readable {
  let timer: NodeJS.Timeout | undefined;
  async function push(readable: Readable): Promise<void> {
    try {
      const { done, value } = await texts.next();
      if (readable.destroyed) return;
      timer = setTimeout(() => readable.destroy(new Error(`the reader read nothing for ${stuckMs} ms`)), stuckMs);
      timer.unref();
      readable.push(done ? null : value);
    } catch (error) {
      readable.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
  return new Readable({
    highWaterMark: MOST_WAITING_BYTES,
    read() {
      clearTimeout(timer);
      void push(this);
    },
    destroy(error, done) {
      clearTimeout(timer);
      void texts.return?.();
      done(error);
    },
  });
}
