import { ApiProblem, ApiUnreachable } from './errors.js';
import { parseStream, type StreamMessage } from './parse-stream.js';
import { sleep } from './send.js';

export interface StreamOptions {
  /** The id of an item: continue after it. Default: start now. */
  after?: string | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
  /** Called when the stream is open, also again after a disconnect. */
  onOpen?: (() => void) | undefined;
  /** Called once per disconnect. */
  onLost?: (() => void) | undefined;
}

/** Requests the stream. The header names the item after which it starts. */
type Open = (header: { 'Last-Event-Id'?: string }, signal: AbortSignal) => Promise<{ response: Response }>;

/** Yields the messages of a stream of the API, each id once. Reconnects after a disconnect or a silence and continues after the last
 *  message, until the signal aborts. Throws when the first request fails, and when Posthorn refuses to continue, for example since the
 *  key was revoked. */
export async function* followStream(
  open: Open,
  { after, signal, onOpen, onLost }: StreamOptions,
): AsyncGenerator<StreamMessage, void> {
  const isNew = rememberIds(after);
  let lastId = after;
  let state: 'first' | 'open' | 'lost' = 'first';
  for (let waitMs = 0; ; waitMs = Math.min(Math.max(2 * waitMs, FIRST_WAIT_MS), LONGEST_WAIT_MS)) {
    await sleep(waitMs, signal).catch(() => {});
    if (signal?.aborted) return;
    const connection = openConnection(signal);
    const isContinued = lastId !== undefined;
    try {
      const { response } = await open(lastId === undefined ? {} : { 'Last-Event-Id': lastId }, connection.signal);
      if (!response.body) return;
      state = 'open';
      onOpen?.();
      for await (const message of parseStream(readChunks(response.body, connection.close))) {
        waitMs = 0;
        if (message.id !== null && !isNew(message.id, isContinued)) continue;
        lastId = message.id ?? lastId;
        yield message;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (state === 'first' || !isTemporary(error)) throw error;
    } finally {
      connection.close();
    }
    if (signal?.aborted) return;
    if (state === 'open') onLost?.();
    state = 'lost';
  }
}

/** Returns a function that says whether an id is new. After a disconnect the server goes back further than the last message, since rows may
 *  be committed late: to messages that were yielded, and even to some from before the first one. */
function rememberIds(after: string | undefined): (id: string, isContinued: boolean) => boolean {
  const seen = new Set<string>();
  let startedAt = after === undefined ? undefined : '';
  return (id, isContinued) => {
    startedAt ??= timeOf(id);
    if (seen.has(id) || (isContinued && timeOf(id) < startedAt)) return false;
    seen.add(id);
    const [oldest] = seen.size > MOST_REMEMBERED ? seen : [];
    if (oldest !== undefined) seen.delete(oldest);
    return true;
  };
}

/** The time of creation in an id, as text that sorts by time. */
const timeOf = (id: string): string => id.replace(/^[a-z]+_/, '').slice(0, 10);

/** Whether another request may succeed. */
const isTemporary = (error: unknown): boolean =>
  error instanceof ApiProblem
    ? error.status === 429 || error.status >= 500
    : error instanceof ApiUnreachable || isDisconnect(error);

/** Whether the connection ended during the response: a TypeError in most runtimes, an AbortError after `close`. */
const isDisconnect = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof Error && (error.name === 'AbortError' || 'code' in error));

/** A signal that ends with the caller's, and on `close`. */
function openConnection(signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const close = () => {
    signal?.removeEventListener('abort', close);
    controller.abort();
  };
  signal?.addEventListener('abort', close);
  return { signal: controller.signal, close };
}

/** Yields the chunks of a body. Calls `onSilence` when none arrives for too long. The time that the caller takes does not count. */
async function* readChunks(body: ReadableStream<Uint8Array>, onSilence: () => void): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const timer = setTimeout(onSilence, SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // it may have ended with an error
  }
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
const SILENCE_MS = 45_000; // Posthorn sends something every 15 s
const MOST_REMEMBERED = 5_000;
