import { createHash } from 'node:crypto';
import type { AuthFailure } from './access.js';
import type { AccessToken, OAuth2 } from './request-token.js';

const MAX_TOKENS = 5_000;
/** A token is replaced this long before it ends, or for the last tenth of a short life. */
const RENEW_BEFORE_MS = 60_000;
const RENEW_SHARE = 0.1;

/** The tokens of one process, in memory, by subscription and configuration.
 *
 *  state     entered when                               what `get` does
 *  none      at first; dropped after a 401; ended       requests a token and waits
 *  fresh     a token arrived                            returns it
 *  renewing  a tenth of its life is left, at most a     returns the old token and requests one in the background; after
 *            minute                                     a failure, the next call requests again
 *
 *  At most one request per key is in flight. Failures are not kept. */
export interface TokenCache {
  get(wanted: WantedToken): Promise<Token | AuthFailure> | Token;
  /** Forgets this token, unless a newer one has replaced it. */
  drop(token: Token): void;
}

export interface WantedToken {
  /** The id of the subscription. */
  owner: string;
  oauth2: OAuth2;
  certificateAuthorities: string | null;
}

export interface Token {
  ok: true;
  token: string;
  key: string;
}

interface Cached extends Token {
  renewAt: number;
  endsAt: number;
}

/** `now` in milliseconds. */
export function openTokenCache({
  request,
  now,
}: {
  request: (wanted: WantedToken) => Promise<AccessToken | AuthFailure>;
  now: () => number;
}): TokenCache {
  const cached = new Map<string, Cached>();
  const requested = new Map<string, Promise<Token | AuthFailure>>();

  async function requestNew(key: string, wanted: WantedToken): Promise<Token | AuthFailure> {
    const result = await request(wanted);
    if (!result.ok) return result;
    const { token, lifetimeMs } = result;
    const endsAt = now() + lifetimeMs;
    const fresh = { ok: true as const, token, key, endsAt, renewAt: endsAt - renewBefore(lifetimeMs) };
    cached.delete(key);
    cached.set(key, fresh); // the newest entry is the last one
    const [oldest] = cached.keys();
    if (cached.size > MAX_TOKENS && oldest !== undefined) cached.delete(oldest);
    return fresh;
  }

  function share(key: string, wanted: WantedToken): Promise<Token | AuthFailure> {
    const running = requested.get(key) ?? requestNew(key, wanted).finally(() => requested.delete(key));
    requested.set(key, running);
    return running;
  }

  return {
    get(wanted) {
      const key = keyOf(wanted);
      const found = cached.get(key);
      if (found === undefined || found.endsAt <= now()) return share(key, wanted);
      if (found.renewAt <= now()) share(key, wanted).catch(() => {}); // the call that has no token left reports it
      return found;
    },
    drop({ key, token }) {
      if (cached.get(key)?.token === token) cached.delete(key);
    },
  };
}

const renewBefore = (lifetimeMs: number): number => Math.min(RENEW_BEFORE_MS, lifetimeMs * RENEW_SHARE);

const keyOf = ({ owner, oauth2, certificateAuthorities }: WantedToken): string => {
  const { tokenUrl, clientId, clientSecret, clientAuthentication, scope, audience } = oauth2;
  const parts = [
    owner,
    certificateAuthorities,
    tokenUrl,
    clientId,
    clientSecret,
    clientAuthentication,
    scope,
    audience,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
};
