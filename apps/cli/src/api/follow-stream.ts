import { setTimeout as delay } from 'node:timers/promises';
import { ApiProblem, ApiUnreachable } from '@posthorn/client';
import { EventSourceParserStream } from 'eventsource-parser/stream';

export interface StreamItem {
  name: string;
  id: string | null;
  data: unknown;
}

export interface Following {
  /** Requests the stream, after the item with this id; null: new items only. Returns its body. */
  open: (lastId: string | null, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  /** Ends it. */
  signal: AbortSignal;
  /** Called when the stream is open, also again after a lost connection. */
  onOpen?: () => void;
  /** Called once per lost connection. */
  onLost?: () => void;
  /** Milliseconds. Default: 500. */
  firstWaitMs?: number;
}

const MAX_WAIT_MS = 15_000;
/** The server sends a comment every 15 s. */
const SILENT_MS = 45_000;
const MOST_SEEN = 5_000;

/** Yields the items of a stream of server-sent events, each once. Comes back after a lost connection and continues after the last item,
 *  until the signal aborts. Throws if the server refuses the stream, and if it does not respond to the first request. */
export async function* followStream({
  open,
  signal,
  onOpen,
  onLost,
  firstWaitMs = 500,
}: Following): AsyncGenerator<StreamItem, void> {
  const seen = new Set<string>();
  let firstId: string | null = null;
  let lastId: string | null = null;
  let waitMs = firstWaitMs;
  let hasOpened = false;
  let isLost = false;
  while (!signal.aborted) {
    try {
      const connection = openConnection(signal);
      try {
        const isContinued = lastId !== null;
        const body = await open(lastId, connection.signal);
        hasOpened = true;
        isLost = false;
        waitMs = firstWaitMs;
        onOpen?.();
        for await (const item of readItems(body, connection.heard)) {
          if (item.id !== null) {
            firstId ??= item.id;
            if (timeOf(item.id) < timeOf(firstId) && isContinued) continue;
            if (!isNew(seen, item.id)) continue;
            lastId = item.id;
          }
          yield item;
        }
      } finally {
        connection.close();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!hasOpened || isRefusal(error)) throw error;
    }
    if (signal.aborted) return;
    if (!isLost) onLost?.();
    isLost = true;
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    waitMs = Math.min(waitMs * 2, MAX_WAIT_MS);
  }
}

/** Returns the body of a stream's response, which always has one. */
export function bodyOf({ body }: Response): ReadableStream<Uint8Array> {
  if (body === null) throw new TypeError('the response of the stream has no body');
  return body;
}

/** An error that repeating does not change, such as a revoked key, or a bug. A broken connection is a TypeError. */
function isRefusal(error: unknown): boolean {
  if (error instanceof ApiProblem) return error.status !== 429 && error.status < 500;
  if (error instanceof ApiUnreachable) return false;
  return !(error instanceof TypeError || (error instanceof Error && (error.name === 'AbortError' || 'code' in error)));
}

async function* readItems(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<StreamItem, void> {
  const decoder = new TextDecoder();
  const text = body.pipeThrough(
    new TransformStream<Uint8Array, string>({
      transform(chunk, controller) {
        heard();
        controller.enqueue(decoder.decode(chunk, { stream: true }));
      },
    }),
  );
  for await (const { event, id, data } of text.pipeThrough(new EventSourceParserStream())) {
    yield { name: event ?? 'message', id: id ?? null, data: JSON.parse(data) };
  }
}

/** A signal that ends with the caller's, and when nothing was heard for too long. */
function openConnection(signal: AbortSignal): { signal: AbortSignal; heard(): void; close(): void } {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENT_MS);
  return {
    signal: AbortSignal.any([signal, silence.signal]),
    heard: () => void timer.refresh(),
    close: () => clearTimeout(timer),
  };
}

/** Ids begin with a prefix and the time of creation. After a lost connection, the server goes back further than the last item, even to
 *  before the first one, since rows may be committed late. */
const timeOf = (id: string): string => id.slice(id.indexOf('_') + 1, id.indexOf('_') + 1 + 10);

/** Remembers the newest ids. Returns whether this one is new. */
function isNew(seen: Set<string>, id: string): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  const [oldest] = seen.size > MOST_SEEN ? seen : [];
  if (oldest !== undefined) seen.delete(oldest);
  return true;
}
