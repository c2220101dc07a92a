import { Resolver as DnsClient } from 'node:dns/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openResolver, type DnsAnswer } from './resolver.js';

/** A name server that returns these results in turn, and a clock to set. */
function scriptedDns(...answers: (DnsAnswer | Error)[]) {
  const script = { nowMs: 0, queries: 0, systemQueries: 0 };
  const resolver = openResolver({
    isListed: (name) => name === 'endpoint',
    now: () => script.nowMs,
    query: async () => {
      const answer = answers[script.queries++];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('too many queries');
      return answer;
    },
    querySystem: async () => {
      script.systemQueries++;
      return { addresses: ['172.18.0.2'], ttlSeconds: 0 };
    },
  });
  return { script, resolve: resolver.resolve };
}

const notFound = () => Object.assign(new Error('not found'), { code: 'ENOTFOUND' });

describe('resolver', () => {
  it('queries once for concurrent look-ups of a name', async () => {
    const { script, resolve } = scriptedDns({ addresses: ['1.1.1.1'], ttlSeconds: 30 });
    const all = await Promise.all(Array.from({ length: 100 }, () => resolve('a.example')));
    expect(all.every(([address]) => address === '1.1.1.1')).toBe(true);
    expect(script.queries).toBe(1);
  });

  it.each([
    ['5 s for a TTL of 0', 0, 5_000],
    ['its TTL', 30, 30_000],
    ['60 s for a TTL of a day', 86_400, 60_000],
  ])('caches a result for %s', async (_what, ttlSeconds, keptMs) => {
    const { script, resolve } = scriptedDns(
      { addresses: ['1.1.1.1'], ttlSeconds },
      { addresses: ['2.2.2.2'], ttlSeconds },
    );
    await resolve('a.example');
    script.nowMs = keptMs - 1;
    expect(await resolve('a.example')).toEqual(['1.1.1.1']);
    script.nowMs = keptMs;
    expect(await resolve('a.example')).toEqual(['2.2.2.2']);
  });

  it('caches a failure for 5 s', async () => {
    const { script, resolve } = scriptedDns(notFound(), { addresses: ['1.1.1.1'], ttlSeconds: 30 });
    await expect(resolve('a.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    script.nowMs = 4_999;
    await expect(resolve('a.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(script.queries).toBe(1);
    script.nowMs = 5_000;
    expect(await resolve('a.example')).toEqual(['1.1.1.1']);
  });

  it('resolves localhost to loopback without a query', async () => {
    const { script, resolve } = scriptedDns();
    expect(await resolve('localhost')).toEqual(['127.0.0.1', '::1']);
    expect(script.queries + script.systemQueries).toBe(0);
  });

  it('resolves names on the allow list with the operating system, so that container names work', async () => {
    const { script, resolve } = scriptedDns();
    expect(await resolve('endpoint')).toEqual(['172.18.0.2']);
    expect(script).toMatchObject({ queries: 0, systemQueries: 1 });
  });

  it('caches at most 10,000 names and drops the oldest', async () => {
    const asked: string[] = [];
    const { resolve } = openResolver({
      isListed: () => false,
      query: async (name) => {
        asked.push(name);
        return { addresses: ['1.1.1.1'], ttlSeconds: 60 };
      },
    });
    for (let index = 0; index <= 10_000; index++) await resolve(`n${index}.example`);
    await resolve('n10000.example');
    expect(asked).toHaveLength(10_001);
    await resolve('n0.example');
    expect(asked).toHaveLength(10_002);
  });
});

describe('asking DNS', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('returns all addresses of both families, IPv4 first', async () => {
    const addresses = await askDns([{ address: '1.1.1.1', ttl: 9 }], [{ address: '2606:4700::1', ttl: 9 }]);
    expect(addresses).toEqual(['1.1.1.1', '2606:4700::1']);
  });

  it('accepts one family if the other has no address or no response', async () => {
    expect(await askDns([{ address: '1.1.1.1', ttl: 9 }], 'ETIMEOUT')).toEqual(['1.1.1.1']);
    expect(await askDns('ENODATA', [{ address: '2606:4700::1', ttl: 9 }])).toEqual(['2606:4700::1']);
  });

  it.each([
    ['ENOTFOUND', 'ENOTFOUND', 'ENOTFOUND'],
    ['ENODATA', 'ENODATA', 'ENODATA'],
    ['ENODATA', 'ESERVFAIL', 'ESERVFAIL'],
    ['ETIMEOUT', 'ENODATA', 'ETIMEOUT'],
  ])('fails with the most specific code: %s and %s give %s', async (ipv4, ipv6, code) => {
    await expect(askDns(ipv4, ipv6)).rejects.toMatchObject({ code });
  });
});

type Records = { address: string; ttl: number }[] | string;

/** Resolves a name whose A and AAAA queries end with these records or error codes. */
function askDns(ipv4: Records, ipv6: Records): Promise<readonly string[]> {
  vi.spyOn(DnsClient.prototype, 'resolve4').mockImplementation(async () => recordsOf(ipv4));
  vi.spyOn(DnsClient.prototype, 'resolve6').mockImplementation(async () => recordsOf(ipv6));
  return openResolver({ isListed: () => false }).resolve('a.example');
}

function recordsOf(records: Records) {
  if (typeof records === 'string') throw Object.assign(new Error(records), { code: records });
  return records;
}
