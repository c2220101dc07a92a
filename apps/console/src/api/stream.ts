import { openRequest } from './call.js';

/** A stream of server-sent events that comes back by itself, and then begins after the last event that was seen. Read with `fetch`:
 *  EventSource could send neither a portal's token nor, after a reload of its own, where it was. */
export interface StreamReader {
  /** By the name of the event. */
  onEvent: (name: string) => void;
  /** Whether events come now. */
  onState: (isOpen: boolean) => void;
  signal: AbortSignal;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** The server says something each 15 s; after this long without a word the connection is dead. */
const SILENT_MS = 40_000;

/** Reads until the signal fires; resolves then. */
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
      // It broke off, or could not be opened: told below, and tried again.
    }
    if (signal.aborted) return;
    onState(false);
    await pause(waitMs, signal);
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
  }
}

/** The events of a body, as the HTML standard has them; comments only show that it is alive. */
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
