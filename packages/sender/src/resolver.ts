import { lookup, Resolver as DnsClient } from 'node:dns/promises';
import { codeOf } from './connect-failure.js';

/** Returns all addresses of a host name. Rejects with the resolver's `code`, or returns [], if it has none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export type DnsAnswer = { addresses: readonly string[]; ttlSeconds: number };

export type CachingResolver = { resolve: Resolve; close(): void };

const MIN_TTL_MS = 5_000; // even a name with TTL 0 causes only one query in 5 s
const MAX_TTL_MS = 60_000; // an endpoint may move within a minute
const NEGATIVE_TTL_MS = 5_000;
const MAX_NAMES = 10_000;
const LOOPBACK = ['127.0.0.1', '::1'] as const;

type Entry = { expiresAt: number; answer: Promise<readonly string[]> };

/** Opens a resolver that dead name servers cannot block. It uses c-ares, which has its own timeouts and uses no
 *  libuv threads. It caches results for 5 to 60 s and failures for 5 s; concurrent look-ups of a name share one
 *  query.
 *  `localhost` is loopback without a query. Names for which `isListed` is true (listed exactly in the allow list)
 *  are resolved by the operating system, so /etc/hosts and container names work. It does not check addresses. */
export function openResolver({
  isListed,
  query,
  querySystem = askSystem,
  now = () => performance.now(),
}: {
  isListed: (hostname: string) => boolean;
  query?: (hostname: string) => Promise<DnsAnswer>;
  querySystem?: (hostname: string) => Promise<DnsAnswer>;
  now?: () => number;
}): CachingResolver {
  const dns = new DnsClient({ timeout: 1_500, tries: 2 });
  const queryDns = query ?? ((hostname: string) => askDns(dns, hostname));
  const entries = new Map<string, Entry>(); // oldest first

  const resolve: Resolve = (hostname) => {
    if (hostname === 'localhost' || hostname.endsWith('.localhost')) return Promise.resolve(LOOPBACK);
    const known = entries.get(hostname);
    if (known !== undefined && known.expiresAt > now()) return known.answer;

    entries.delete(hostname); // so that the new entry becomes the newest
    const oldest = entries.size >= MAX_NAMES ? entries.keys().next() : undefined;
    if (oldest?.done === false) entries.delete(oldest.value);
    const entry: Entry = { expiresAt: Infinity, answer: remember() };
    entries.set(hostname, entry);
    return entry.answer;

    async function remember(): Promise<readonly string[]> {
      try {
        const { addresses, ttlSeconds } = await (isListed(hostname) ? querySystem(hostname) : queryDns(hostname));
        entry.expiresAt = now() + Math.min(Math.max(ttlSeconds * 1000, MIN_TTL_MS), MAX_TTL_MS);
        return addresses;
      } catch (error) {
        entry.expiresAt = now() + NEGATIVE_TTL_MS;
        throw error;
      }
    }
  };

  return { resolve, close: () => dns.cancel() };
}

// IPv4 first: hosts without a working IPv6 route are more common than the opposite.
async function askDns(dns: DnsClient, hostname: string): Promise<DnsAnswer> {
  const [ipv4, ipv6] = await Promise.allSettled([
    dns.resolve4(hostname, { ttl: true }),
    dns.resolve6(hostname, { ttl: true }),
  ]);
  const records = [
    ...(ipv4.status === 'fulfilled' ? ipv4.value : []),
    ...(ipv6.status === 'fulfilled' ? ipv6.value : []),
  ];
  if (records.length === 0) {
    // "No such record" is less specific than any other failure: in that case the other family's result decides.
    const failures = [ipv4, ipv6].flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
    throw (
      failures.find((failure) => codeOf(failure) !== 'ENODATA') ?? failures[0] ?? new Error(`No address: ${hostname}`)
    );
  }
  return { addresses: records.map(({ address }) => address), ttlSeconds: Math.min(...records.map(({ ttl }) => ttl)) };
}

async function askSystem(hostname: string): Promise<DnsAnswer> {
  const records = await lookup(hostname, { all: true });
  return { addresses: records.map(({ address }) => address), ttlSeconds: 0 };
}
