import type { Agent } from 'undici';
import { type Access, type AuthFailure, TOKEN_REJECTED } from './access.js';
import { decodeBody } from './decode-body.js';
import { Exchange, MAX_BODY_BYTES } from './exchange.js';
import type { LineOptions } from './guarded-agent.js';
import { judge, type Verdict } from './judge.js';
import type { Outcome, PostResult, Timings } from './post-result.js';
import { shownResponseHeaders, singleValue } from './response-headers.js';
import { signWithAll } from './sign.js';
import type { Target } from './target.js';
import type { Agents } from './tls-identities.js';
import type { Token, TokenCache } from './token-cache.js';
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
  /** Its authentication and certificate authorities. Default: none. */
  access?: Access | null;
  /** W3C Trace Context. Default: not sent. */
  traceparent?: string | undefined;
  /** For the whole attempt, from requesting a token and resolving the name to the last byte of the response. */
  timeoutMs: number;
  /** How much of the response body is kept, at most MAX_BODY_BYTES. Default: DEFAULT_KEEP_BYTES. */
  keepBytes?: number;
  /** Ends the attempt as `aborted`. */
  signal?: AbortSignal;
}

export type PostDeps = {
  agents: Agents;
  tokens: TokenCache;
  findTarget: (url: string) => Target;
  userAgent: string;
  connectTimeoutMs: number;
};

/** Signs, sends and judges one POST. Sender.post documents its guarantees. */
export async function postOnce(deps: PostDeps, request: PostRequest): Promise<PostResult> {
  const { body, webhookId, timeoutMs, signal } = request;
  const startedAt = new Date();
  const target = deps.findTarget(request.url);
  if (!target.allowed) return notSent(startedAt, 'blocked', { errorCode: null, error: target.reason });

  const timestampSeconds = toTimestamp(startedAt); // each attempt has its own timestamp and signature
  const signature = signWithAll(request.secrets, webhookId, timestampSeconds, body);
  const keepBytes = Math.min(request.keepBytes ?? DEFAULT_KEEP_BYTES, MAX_BODY_BYTES);
  const exchange = new Exchange({ timeoutMs, keepBytes, signal });
  const isHttps = target.origin.startsWith('https:');
  const access = request.access ?? null;
  const means = access === null ? sharedMeans(deps) : await prepare(deps, access, { isHttps, exchange, timeoutMs });
  if (!means.ok) return notSent(startedAt, 'auth_error', { exchange, ...means });
  const { agent, token } = means;
  const headers = wireHeaders({
    userAgent: deps.userAgent,
    webhookId,
    timestampSeconds,
    signature,
    bodyBytes: body.byteLength,
    own: token === null ? request.headers : withToken(request.headers, token),
    traceparent: request.traceparent,
  });
  const options: LineOptions = {
    origin: target.origin,
    path: target.path,
    method: 'POST',
    headers: headers.sent,
    body,
    attach: exchange.attach,
  };
  if (!exchange.ended) agent.dispatch(options, exchange);
  const ending = await exchange.done;

  const verdict = await judge(ending, {
    host: target.host,
    isHttps,
    presentsCertificate: access?.authentication?.type === 'clientCertificate',
    timeoutMs,
    connectTimeoutMs: deps.connectTimeoutMs,
    exchange,
  });
  const { outcome, errorCode, error } = token === null ? verdict : judgeToken(deps, token, { exchange, verdict });
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

/** What a post is sent with. */
type Means = { ok: true; agent: Agent; token: Token | null };

const sharedMeans = ({ agents }: PostDeps): Means => ({ ok: true, agent: agents.shared, token: null });

async function prepare(
  deps: PostDeps,
  access: Access,
  attempt: { isHttps: boolean; exchange: Exchange; timeoutMs: number },
): Promise<Means | AuthFailure> {
  const token = await authenticate(deps, access, attempt);
  if (token !== null && !token.ok) return token;
  const found = deps.agents.agentOf(tlsOf(access));
  return found.ok ? { ...found, token } : found;
}

/** Drops a token that the endpoint refused. */
function judgeToken(
  { tokens }: PostDeps,
  token: Token,
  { exchange, verdict }: { exchange: Exchange; verdict: Verdict },
): Verdict {
  if (exchange.statusCode !== 401) return verdict;
  tokens.drop(token);
  return { ...verdict, ...REJECTED };
}

const REJECTED = {
  errorCode: TOKEN_REJECTED,
  error:
    'Your endpoint returned 401 for the access token. The next attempt gets a new token. If that is refused too, check that the endpoint ' +
    'accepts tokens of this token server, with this scope and audience.',
};

/** Returns the access token; null if none is needed. Waits at most until the exchange ends, which has the time limit of the
 *  attempt. The request for the token continues, so that the next attempt finds it. */
async function authenticate(
  { tokens }: PostDeps,
  { owner, authentication, certificateAuthorities }: Access,
  { isHttps, exchange, timeoutMs }: { isHttps: boolean; exchange: Exchange; timeoutMs: number },
): Promise<Token | AuthFailure | null> {
  if (authentication === null) return null;
  if (authentication.type === 'clientCertificate') return isHttps ? null : NEEDS_HTTPS;
  const token = tokens.get({ owner, oauth2: authentication, certificateAuthorities });
  const first = await Promise.race([token, exchange.done]);
  if ('ok' in first) return first;
  if (first.how !== 'timeout') return null; // aborted: nothing will be sent
  const { host } = new URL(authentication.tokenUrl);
  return {
    ok: false,
    errorCode: 'OAUTH_TOKEN_TIMEOUT',
    error: `The token server ${host} did not respond within ${timeoutMs / 1_000} s, the limit of the attempt. Check that it is running, and its load.`,
  };
}

const NEEDS_HTTPS: AuthFailure = {
  ok: false,
  errorCode: 'CLIENT_CERTIFICATE_NEEDS_HTTPS',
  error: 'A client certificate needs an https URL, so nothing was sent. Change the URL, or remove the certificate.',
};

const tlsOf = ({ authentication, certificateAuthorities }: Access) => ({
  certificateAuthorities,
  clientCertificate: authentication?.type === 'clientCertificate' ? authentication : null,
});

/** The token replaces a custom header of the same name. */
const withToken = (own: Record<string, string>, { token }: Token): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(own).filter(([name]) => name.toLowerCase() !== 'authorization')),
  authorization: `Bearer ${token}`,
});

/** The URL is not allowed (any more), or the authentication failed: nothing was sent to the endpoint. */
function notSent(
  startedAt: Date,
  outcome: Extract<Outcome, 'blocked' | 'auth_error'>,
  { exchange, errorCode, error }: { exchange?: Exchange; errorCode: string | null; error: string },
): PostResult {
  exchange?.giveUp();
  return {
    outcome,
    statusCode: null,
    startedAt,
    durationMs: exchange?.durationMs ?? 0,
    timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null },
    remoteAddress: null,
    request: null,
    responseHeaders: null,
    body: new Uint8Array(),
    bodyTruncated: false,
    bodyTooLarge: false,
    retryAfter: null,
    errorCode,
    error,
  };
}
