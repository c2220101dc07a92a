import type * as OAuthModule from 'oauth4webapi';
import type { Authentication, AuthCode, AuthFailure } from './access.js';
import { Exchange, MAX_BODY_BYTES } from './exchange.js';
import type { LineOptions } from './guarded-agent.js';
import { judge, type Verdict } from './judge.js';
import { printable } from './printable.js';
import type { Target } from './target.js';
import type { Agents } from './tls-identities.js';

export type OAuth2 = Extract<Authentication, { type: 'oauth2' }>;

export type AccessToken = { ok: true; token: string; lifetimeMs: number };

export interface TokenDeps {
  agents: Agents;
  findTarget: (url: string) => Target;
  userAgent: string;
  connectTimeoutMs: number;
}

/** For the whole request of a token. */
const TOKEN_TIMEOUT_MS = 10_000;
const SHOWN_CHARACTERS = 200;
const MAX_TOKEN_CHARACTERS = 16 * 1024;
/** Visible ASCII: anything else could not be sent in a header. */
const TOKEN = /^[\x21-\x7e]+$/;

// expires_in          the token is used for
// absent, no number,  UNKNOWN_LIFETIME: a token that ends earlier is replaced after the 401 that it causes
// 0 or less
// a number            that long, from MIN_LIFETIME to MAX_LIFETIME
const UNKNOWN_LIFETIME_MS = 60_000;
const MIN_LIFETIME_MS = 10_000;
const MAX_LIFETIME_MS = 24 * 60 * 60 * 1_000;

/** Pure. Returns how long a token may be used. */
export function lifetimeMs(expiresIn: unknown): number {
  const seconds = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || Number.isNaN(seconds) || seconds <= 0) return UNKNOWN_LIFETIME_MS;
  return Math.min(Math.max(seconds * 1_000, MIN_LIFETIME_MS), MAX_LIFETIME_MS);
}

/** Requests a token with the grant `client_credentials` (RFC 6749, section 4.4): one request under the rules of a post
 *  (addresses, bytes, no redirects), in at most TOKEN_TIMEOUT_MS. Every failure is a result with what to do; its text
 *  never contains the client secret. */
export async function requestToken(
  deps: TokenDeps,
  oauth2: OAuth2,
  certificateAuthorities: string | null,
): Promise<AccessToken | AuthFailure> {
  const target = deps.findTarget(oauth2.tokenUrl);
  if (!target.allowed) return failure('OAUTH_TOKEN_URL_BLOCKED', `The token URL is not allowed. ${target.reason}`);
  const oauth = await import('oauth4webapi'); // only workers with such a subscription load it
  const server = { issuer: target.origin, token_endpoint: oauth2.tokenUrl };
  const client = { client_id: oauth2.clientId };
  const authenticate =
    oauth2.clientAuthentication === 'client_secret_post' ? oauth.ClientSecretPost : oauth.ClientSecretBasic;
  const parameters = new URLSearchParams({
    ...(oauth2.scope !== null && { scope: oauth2.scope }),
    ...(oauth2.audience !== null && { audience: oauth2.audience }),
  });
  let expiresIn: unknown;
  const send: CustomFetch = async (_url, { headers, body }) => {
    const request = { target, oauth2, certificateAuthorities, headers, body: String(body) };
    const { status, json } = await sendRequest(deps, request);
    // The library would refuse a token for a strange lifetime, which lifetimeMs bounds.
    const { expires_in: lifetime, ...others } = json;
    expiresIn = lifetime;
    return new Response(JSON.stringify(others), { status, headers: { 'content-type': 'application/json' } });
  };
  try {
    // The address policy decides whether http is allowed (REQUIRE_HTTPS).
    const options = { [oauth.customFetch]: send, [oauth.allowInsecureRequests]: true };
    const secret = authenticate(oauth2.clientSecret);
    const response = await oauth.clientCredentialsGrantRequest(server, client, secret, parameters, options);
    const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, response);
    return TOKEN.test(token) && token.length <= MAX_TOKEN_CHARACTERS
      ? { ok: true, token, lifetimeMs: lifetimeMs(expiresIn) }
      : failure('OAUTH_RESPONSE_INVALID', `The token of ${target.host} cannot be sent in a header. ${CHECK_TOKEN_URL}`);
  } catch (error) {
    return explainRefusal(error, oauth, { host: target.host, oauth2 });
  }
}

type OAuth = typeof OAuthModule;
type CustomFetch = (url: string, init: { headers: Record<string, string>; body: unknown }) => Promise<Response>;

/** Sends the request through the guarded agent. Throws NoToken if the body cannot say whether there is a token. */
async function sendRequest(
  { agents, userAgent, connectTimeoutMs }: TokenDeps,
  request: {
    target: Extract<Target, { allowed: true }>;
    oauth2: OAuth2;
    certificateAuthorities: string | null;
    headers: Record<string, string>;
    body: string;
  },
): Promise<{ status: number; json: Record<string, unknown> }> {
  const { target, oauth2, certificateAuthorities, headers, body } = request;
  const { host, origin, path } = target;
  const found = agents.agentOf({ certificateAuthorities, clientCertificate: null });
  if (!found.ok) throw new NoToken(found);
  const exchange = new Exchange({ timeoutMs: TOKEN_TIMEOUT_MS, keepBytes: MAX_BODY_BYTES, signal: undefined });
  const options: LineOptions = {
    origin,
    path,
    method: 'POST',
    headers: { ...headers, 'user-agent': userAgent, 'accept-encoding': 'identity' },
    body: Buffer.from(body),
    attach: exchange.attach,
  };
  found.agent.dispatch(options, exchange);
  const ending = await exchange.done;
  const { statusCode } = exchange;
  if (statusCode === null || ending.how !== 'complete') {
    const isHttps = origin.startsWith('https:');
    const limits = { timeoutMs: TOKEN_TIMEOUT_MS, connectTimeoutMs };
    const verdict = await judge(ending, { host, isHttps, presentsCertificate: false, ...limits, exchange });
    throw new NoToken(explainNoResponse(host, verdict));
  }
  if (!isJudgedByBody(statusCode)) throw new NoToken(explainStatus(host, statusCode));
  const json = readObject(exchange.body.bytes);
  if (json === null) throw new NoToken(explainBody(host, statusCode, exchange.body.bytes, oauth2));
  return { status: statusCode, json };
}

/** Throws errors that no token server can cause: a bug, or this machine has no file descriptors left. */
function explainRefusal(error: unknown, oauth: OAuth, { host, oauth2 }: { host: string; oauth2: OAuth2 }): AuthFailure {
  if (error instanceof NoToken) return error.failure;
  if (error instanceof oauth.ResponseBodyError) {
    const said = error.error_description === undefined ? error.error : `${error.error}: ${error.error_description}`;
    return failure(
      'OAUTH_CLIENT_REFUSED',
      `The token server ${host} refused the client (${error.status}, ${shown(said, oauth2)}). Check client id, client secret and scope.`,
    );
  }
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError) {
    return failure(
      'OAUTH_RESPONSE_INVALID',
      `The response of ${host} is not a token (${shown(error.message, oauth2)}). ${CHECK_TOKEN_URL}`,
    );
  }
  throw error;
}

const CHECK_TOKEN_URL = 'Check that the token URL is the token endpoint of the server.';

/** Carries a failure through oauth4webapi. */
class NoToken extends Error {
  readonly failure: AuthFailure;
  constructor(reason: AuthFailure) {
    super(reason.errorCode);
    this.failure = reason;
  }
}

const failure = (errorCode: AuthCode, error: string): AuthFailure => ({ ok: false, errorCode, error });

function explainNoResponse(host: string, { outcome, error }: Verdict): AuthFailure {
  switch (outcome) {
    case 'blocked':
      return failure('OAUTH_TOKEN_URL_BLOCKED', `No access token: ${host} is not allowed. ${error ?? ''}`);
    case 'timeout':
      return failure(
        'OAUTH_TOKEN_TIMEOUT',
        `The token server ${host} did not respond within ${TOKEN_TIMEOUT_MS / 1_000} s. Check that it is running, and its load.`,
      );
    case 'ok':
    case 'http_error':
    case 'redirect':
      return failure('OAUTH_RESPONSE_INVALID', `The response of ${host} is too large or broke off. ${CHECK_TOKEN_URL}`);
    default:
      return failure('OAUTH_TOKEN_UNREACHABLE', `No access token from ${host}. ${ofServer(error ?? '')}`);
  }
}

/** The texts of judge.ts are about endpoints. */
const ofServer = (text: string): string =>
  text.replaceAll('Your endpoint', 'The token server').replaceAll('your server', 'the server');

/** The body of these says why: an OAuth error, or a page. */
const isJudgedByBody = (status: number): boolean =>
  (status >= 200 && status < 300) || (status >= 400 && status < 500 && status !== 408 && status !== 429);

function explainStatus(host: string, status: number): AuthFailure {
  if (status >= 300 && status < 400) {
    const cause = `The token server ${host} returned ${status}. Redirects are not followed: use the final token URL.`;
    return failure('OAUTH_RESPONSE_INVALID', cause);
  }
  return failure(
    'OAUTH_SERVER_ERROR',
    `The token server ${host} returned ${status}. Check its log; Posthorn asks again with the next attempt.`,
  );
}

function explainBody(host: string, status: number, bytes: Buffer, oauth2: OAuth2): AuthFailure {
  const began = shown(printable(bytes.subarray(0, SHOWN_CHARACTERS)), oauth2);
  const code = status >= 400 ? 'OAUTH_CLIENT_REFUSED' : 'OAUTH_RESPONSE_INVALID';
  return failure(code, `The token server ${host} returned ${status} without JSON: "${began}". ${CHECK_TOKEN_URL}`);
}

function readObject(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** What a server said, for people: short, printable, and without a secret that it repeats. */
function shown(text: string, { clientSecret }: OAuth2): string {
  return printable(Buffer.from(text.replaceAll(clientSecret, '••••'))).slice(0, SHOWN_CHARACTERS);
}
