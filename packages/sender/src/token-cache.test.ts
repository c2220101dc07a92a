import { waitFor } from '@posthorn/testing';
import { describe, expect, it } from 'vitest';
import type { AuthFailure } from './access.js';
import type { AccessToken } from './request-token.js';
import { openTokenCache, type WantedToken } from './token-cache.js';

const wanted = (owner = 'sub_1'): WantedToken => ({
  owner,
  certificateAuthorities: null,
  oauth2: {
    type: 'oauth2',
    tokenUrl: 'https://login.example.com/token',
    clientId: 'posthorn',
    clientSecret: 's',
    clientAuthentication: 'client_secret_basic',
    scope: null,
    audience: null,
  },
});
const failure: AuthFailure = { ok: false, errorCode: 'OAUTH_SERVER_ERROR', error: 'no' };

/** A cache with a clock, whose requests are answered by the test. */
function open() {
  let nowMs = 0;
  const requests: ((result: AccessToken | AuthFailure) => void)[] = [];
  const cache = openTokenCache({
    request: () => new Promise((resolve) => requests.push(resolve)),
    now: () => nowMs,
  });
  const grant = (token: string, lifetimeMs = 100_000) => requests.shift()?.({ ok: true, token, lifetimeMs });
  return { cache, requests, grant, pass: (ms: number) => (nowMs += ms) };
}

const tokenOf = async (got: ReturnType<ReturnType<typeof open>['cache']['get']>) => {
  const result = await got;
  return result.ok ? result.token : result.errorCode;
};

describe('the cache of tokens', () => {
  it('shares one request, then returns the token without one', async () => {
    const { cache, requests, grant } = open();
    const both = [cache.get(wanted()), cache.get(wanted())];
    expect(requests).toHaveLength(1);
    grant('a');
    expect(await Promise.all(both.map(tokenOf))).toEqual(['a', 'a']);
    expect(await tokenOf(cache.get(wanted()))).toBe('a');
    expect(requests).toHaveLength(0);
  });

  it('renews a token shortly before it ends, and uses the old one meanwhile', async () => {
    const { cache, requests, grant, pass } = open();
    const first = cache.get(wanted());
    grant('a');
    await first;
    pass(89_000);
    expect(await tokenOf(cache.get(wanted()))).toBe('a');
    expect(requests).toHaveLength(0);
    pass(2_000); // the last tenth
    expect(await tokenOf(cache.get(wanted()))).toBe('a');
    expect(await tokenOf(cache.get(wanted()))).toBe('a');
    expect(requests).toHaveLength(1);
    grant('b');
    await expect.poll(() => tokenOf(cache.get(wanted()))).toBe('b');
  });

  it('keeps the old token until it ends if the renewal fails, and keeps no failure', async () => {
    const { cache, requests, grant, pass } = open();
    const first = cache.get(wanted());
    grant('a');
    await first;
    pass(95_000);
    void cache.get(wanted());
    requests.shift()?.(failure);
    expect(await tokenOf(cache.get(wanted()))).toBe('a');
    await waitFor(async () => {
      await cache.get(wanted());
      return requests.length === 1;
    });
    pass(5_000);
    const ended = cache.get(wanted());
    requests.shift()?.(failure);
    expect(await tokenOf(ended)).toBe('OAUTH_SERVER_ERROR');
    const next = cache.get(wanted());
    grant('b');
    expect(await tokenOf(next)).toBe('b');
  });

  it('drops a refused token, but not the one that has replaced it', async () => {
    const { cache, requests, grant } = open();
    const first = cache.get(wanted());
    grant('a');
    const old = await first;
    if (!old.ok) throw new Error(old.errorCode);
    cache.drop(old);
    const second = cache.get(wanted());
    grant('b');
    expect(await tokenOf(second)).toBe('b');
    cache.drop(old);
    expect(await tokenOf(cache.get(wanted()))).toBe('b');
    expect(requests).toHaveLength(0);
  });

  it('holds at most 5,000 tokens, the newest ones', async () => {
    const { cache, requests, grant } = open();
    for (let count = 0; count <= 5_000; count += 1) {
      const got = cache.get(wanted(`sub_${count}`));
      grant(`token ${count}`);
      await got;
    }
    expect(await tokenOf(cache.get(wanted('sub_1')))).toBe('token 1');
    void cache.get(wanted('sub_0'));
    expect(requests).toHaveLength(1);
  });
});
