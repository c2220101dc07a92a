import { Readable } from 'node:stream';

const STUCK_MS = 60_000;
/** Bytes that may wait for the reader, beside one chunk. */
const MOST_WAITING_BYTES = 64 * 1024;

/** A stream of these texts that asks for the next one only when its reader has taken those before. So a reader that stops costs one chunk of
 *  memory and no work. It is destroyed when the reader takes nothing for `stuckMs`. Default: one minute. */
export function openExportStream(texts: AsyncIterator<string>, { stuckMs = STUCK_MS } = {}): Readable {
  let patience: NodeJS.Timeout | undefined;
  async function push(readable: Readable): Promise<void> {
    try {
      const { done, value } = await texts.next();
      if (readable.destroyed) return;
      patience = setTimeout(() => readable.destroy(new Error(`the reader took nothing for ${stuckMs} ms`)), stuckMs);
      patience.unref();
      readable.push(done ? null : value);
    } catch (error) {
      readable.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
  return new Readable({
    highWaterMark: MOST_WAITING_BYTES,
    read() {
      clearTimeout(patience);
      void push(this);
    },
    destroy(error, done) {
      clearTimeout(patience);
      void texts.return?.();
      done(error);
    },
  });
}
