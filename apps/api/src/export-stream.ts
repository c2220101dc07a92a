import { Readable } from 'node:stream';

const STUCK_MS = 60_000;
/** Bytes that may wait for the reader, beside one chunk. */
const MOST_WAITING_BYTES = 64 * 1024;

/** A stream of these texts that asks for the next one only when its reader has taken those before. So a reader that stops costs one chunk of
 *  memory and no work. It is destroyed when the reader takes nothing for `stuckMs`. Default: one minute. */
export function openExportStream(texts: AsyncIterator<string>, { stuckMs = STUCK_MS } = {}): Readable {
  let patience: NodeJS.Timeout | undefined;
  return new Readable({
    highWaterMark: MOST_WAITING_BYTES,
    read() {
      clearTimeout(patience);
      texts.next().then(
        ({ done, value }) => {
          if (this.destroyed) return;
          patience = setTimeout(() => this.destroy(new Error(`the reader took nothing for ${stuckMs} ms`)), stuckMs);
          patience.unref();
          this.push(done ? null : value);
        },
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      );
    },
    destroy(error, done) {
      clearTimeout(patience);
      void texts.return?.();
      done(error);
    },
  });
}
