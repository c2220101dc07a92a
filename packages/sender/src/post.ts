import type { Agent } from 'undici';
import { decodeBody } from './decode-body.js';
import { Exchange, MAX_BODY_BYTES } from './exchange.js';
import type { LineOptions } from './guarded-agent.js';
import { judge } from './judge.js';
import type { PostResult, Timings } from './post-result.js';
import { shownResponseHeaders, singleValue } from './response-headers.js';
import { signWithAll } from './sign.js';
import type { Target } from './target.js';
import { toTimestamp, wireHeaders } from './wire-headers.js';

export const DEFAULT_KEEP_BYTES = 4096;

export interface PostRequest {
  url: string;
  /** The event's id, the same on every attempt. Must not contain a dot. */
  webhookId: string;
  /** Sent unchanged. */
  body: Uint8Array;
  /** `whsec_…`: at least one, the current one first. Each adds a signature. */
  secrets: string[];
  /** The subscription's custom headers, validated by checkHeaders. Names that Posthorn sets are ignored. */
  headers: Record<string, string>;
  /** For the whole attempt, from resolving the name to the last byte of the response. */
  timeoutMs: number;
  /** How much of the response body is kept, at most MAX_BODY_BYTES. Default: DEFAULT_KEEP_BYTES. */
  keepBytes?: number;
  /** Ends the attempt as `aborted`. */
  signal?: AbortSignal;
}

export type PostDeps = {
  agent: Agent;
  findTarget: (url: string) => Target;
  userAgent: string;
  connectTimeoutMs: number;
};

/** Signs, sends and judges one POST. Sender.post documents its guarantees. */
export async function postOnce(deps: PostDeps, request: PostRequest): Promise<PostResult> {
  const { body, webhookId, timeoutMs, signal } = request;
  const startedAt = new Date();
  const target = deps.findTarget(request.url);
  if (!target.allowed) return refused(startedAt, target.reason);

  const timestampSeconds = toTimestamp(startedAt); // each attempt has its own timestamp and signature
  const headers = wireHeaders({
    userAgent: deps.userAgent,
    webhookId,
    timestampSeconds,
    signature: signWithAll(request.secrets, webhookId, timestampSeconds, body),
    bodyBytes: body.byteLength,
    own: request.headers,
  });
  const keepBytes = Math.min(request.keepBytes ?? DEFAULT_KEEP_BYTES, MAX_BODY_BYTES);
  const exchange = new Exchange({ timeoutMs, keepBytes, signal });
  const options: LineOptions = {
    origin: target.origin,
    path: target.path,
    method: 'POST',
    headers: headers.sent,
    body,
    attach: exchange.attach,
  };
  if (!exchange.ended) deps.agent.dispatch(options, exchange);
  const ending = await exchange.done;

  const { outcome, errorCode, error } = await judge(ending, {
    host: target.host,
    isHttps: target.origin.startsWith('https:'),
    timeoutMs,
    connectTimeoutMs: deps.connectTimeoutMs,
    exchange,
  });
  return {
    outcome,
    statusCode: exchange.statusCode,
    startedAt,
    durationMs: exchange.durationMs,
    timings: readTimings(exchange),
    remoteAddress: outcome === 'blocked' ? null : (exchange.connection?.remoteAddress ?? null),
    request: headers.record,
    responseHeaders: exchange.headers === null ? null : shownResponseHeaders(exchange.headers),
    ...(await readBody(exchange, { keepBytes, brokeOff: ending.how !== 'complete' })),
    retryAfter: exchange.headers === null ? null : singleValue(exchange.headers, 'retry-after'),
    errorCode,
    error,
  };
}

function readTimings({ connection, reused, firstByteMs }: Exchange): Timings {
  if (connection === null || reused) return { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs };
  const { dnsMs, connectMs, tlsMs } = connection;
  return { dnsMs: whole(dnsMs), connectMs: whole(connectMs), tlsMs: whole(tlsMs), firstByteMs };
}

function whole(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

type Body = Pick<PostResult, 'body' | 'bodyTruncated' | 'bodyTooLarge'>;

async function readBody(
  { body: raw, encoding, statusCode }: Exchange,
  { keepBytes, brokeOff }: { keepBytes: number; brokeOff: boolean },
): Promise<Body> {
  const decoded = encoding && (await decodeBody(raw.bytes, { encoding, keepBytes, capBytes: MAX_BODY_BYTES }));
  const { bytes, receivedBytes } = decoded ?? raw;
  const body = bytes.subarray(0, keepBytes);
  return {
    body,
    bodyTruncated: receivedBytes > body.length || (brokeOff && statusCode !== null),
    bodyTooLarge: receivedBytes > MAX_BODY_BYTES || raw.tooLarge,
  };
}

/** The URL is not allowed (any more): nothing was sent or resolved. */
function refused(startedAt: Date, reason: string): PostResult {
  return {
    outcome: 'blocked',
    statusCode: null,
    startedAt,
    durationMs: 0,
    timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null },
    remoteAddress: null,
    request: null,
    responseHeaders: null,
    body: new Uint8Array(),
    bodyTruncated: false,
    bodyTooLarge: false,
    retryAfter: null,
    errorCode: null,
    error: reason,
  };
}
