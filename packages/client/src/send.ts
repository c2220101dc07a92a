import { ApiProblem, ApiUnreachable, type PosthornError, readProblem, readRetryAfter } from './errors.js';
import { type AttemptEnd, hadNoEffect, retryWaitMs } from './retry-wait.js';

interface Outgoing {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string | null;
}

interface SendOptions {
  fetch: typeof fetch;
  signal?: AbortSignal | undefined;
  /** Whether Posthorn handles a second copy of the request as if it were the only one. */
  repeatable: boolean;
  maxAttempts: number;
  /** Limit of one attempt. */
  attemptTimeoutMs: number;
  /** Limit of all attempts and the waits between them. */
  timeoutMs: number;
}

/** `data`: the body if it is JSON. Other bodies are left as streams in `response`. */
type Sent = { data: unknown; response: Response };

/** Sends a request, and repeats it as `retryWaitMs` says. Throws ApiProblem for an error response, ApiUnreachable without a response, and
 *  the reason of the caller's signal. A repeated DELETE that finds nothing succeeds: an earlier attempt has deleted it. */
export async function send(request: Outgoing, options: SendOptions): Promise<Sent> {
  const endsAt = Date.now() + options.timeoutMs;
  let mayHaveDeleted = false;
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    const result = await attemptOnce(request, { ...options, endsAt });
    if ('response' in result) return result;
    if (mayHaveDeleted && isNotFound(result.error)) return { data: undefined, response: new Response(null, DELETED) };
    mayHaveDeleted ||= request.method === 'DELETE' && !hadNoEffect(result.end);
    const waitMs = retryWaitMs(result.end, { ...options, attempt, random: Math.random });
    if (waitMs === null || Date.now() + waitMs >= endsAt) throw result.error;
    await sleep(waitMs, options.signal);
  }
}

const DELETED = { status: 204 };

/** A 404 of Posthorn, not of a proxy. */
const isNotFound = (error: PosthornError): boolean => error instanceof ApiProblem && error.code === 'not_found';

type Failed = { end: AttemptEnd; error: ApiProblem | ApiUnreachable };

async function attemptOnce(
  { url, ...request }: Outgoing,
  { fetch, signal, attemptTimeoutMs, endsAt }: SendOptions & { endsAt: number },
): Promise<Sent | Failed> {
  const { origin } = new URL(url);
  const timeoutMs = Math.max(1, Math.min(attemptTimeoutMs, endsAt - Date.now()));
  // Aborts the request and the reading of its body. A stream has no time limit: only the caller's signal aborts it.
  const ending = new AbortController();
  const end = () => ending.abort(signal?.reason);
  const timer = setTimeout(end, timeoutMs);
  signal?.addEventListener('abort', end);
  let isStream = false;
  try {
    // Following a redirect would turn a POST into a GET.
    const response = await fetch(url, { ...request, redirect: 'manual', signal: ending.signal });
    const type = response.headers.get('content-type') ?? '';
    const isJson = response.status === 204 || type.startsWith('application/json');
    isStream = response.ok && STREAMS.test(type);
    if (isStream) return { data: undefined, response };
    const text = await response.text();
    if (response.ok && isJson) return { data: text === '' ? undefined : JSON.parse(text), response };
    const retryAfterMs = readRetryAfter(response.headers.get('retry-after'), Date.now());
    const error = response.ok
      ? new ApiUnreachable(
          `${origin} returned ${type || 'no content type'} instead of JSON. Is \`url\` the URL of Posthorn?`,
        )
      : readProblem(response, text);
    return { end: { status: response.status, retryAfterMs }, error };
  } catch (cause) {
    signal?.throwIfAborted();
    const what = ending.signal.aborted ? `did not respond within ${timeoutMs} ms` : 'is not responding';
    const error = new ApiUnreachable(`The API at ${origin} ${what}.`, { cause });
    return { end: { status: null, connected: !wasRefused(cause) }, error };
  } finally {
    clearTimeout(timer);
    if (!isStream) signal?.removeEventListener('abort', end);
  }
}

const STREAMS = /^(text\/(event-stream|csv|plain)|application\/x-ndjson)/;

/** Whether no connection was made, so that the request cannot have had an effect. Only Node and Bun say so. */
function wasRefused(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  return NOT_CONNECTED.test(String(cause?.code ?? code));
}

const NOT_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused)$/;

/** Throws the reason of the signal if it ends first. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
    if (signal?.aborted) end();
  });
}
