import { openRequest } from './call.js';

/** A stream of server-sent events that reconnects automatically and continues after the last event. Uses `fetch`, because EventSource
 *  cannot send a portal's token. */
export interface StreamReader {
  /** Gets the name of each event. */
  onEvent: (name: string) => void;
  /** Gets whether the stream is connected. */
  onState: (isOpen: boolean) => void;
  signal: AbortSignal;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** The server sends something every 15 s, so the connection is dead after this long without data. */
const SILENT_MS = 40_000;

/** Reads until the signal aborts. */
export async function readStream(path: string, { onEvent, onState, signal }: StreamReader): Promise<void> {
  let lastId: string | null = null;
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    const silence = new AbortController();
    const either = AbortSignal.any([signal, silence.signal]);
    try {
      const response = await openRequest('GET', path, {
        headers: lastId === null ? {} : { 'last-event-id': lastId },
        signal: either,
      });
      if (response.ok && response.body) {
        onState(true);
        waitMs = FIRST_WAIT_MS;
        for await (const { name, id } of eventsOf(response.body, () => silence.abort())) {
          lastId = id ?? lastId;
          onEvent(name);
        }
      }
    } catch {
      // Reported by onState below; the loop reconnects.
    }
    if (signal.aborted) return;
    onState(false);
    await pause(waitMs, signal);
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
  }
}

/** The events of a body, in the format of the HTML standard. Comments only keep the connection alive. */
async function* eventsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onSilence: () => void,
): AsyncGenerator<{ name: string; id: string | null }> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let timer = setTimeout(onSilence, SILENT_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(onSilence, SILENT_MS);
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = new Map(
          block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
        );
        const name = fields.get('event');
        if (name !== undefined) yield { name, id: fields.get('id') ?? null };
      }
    }
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
