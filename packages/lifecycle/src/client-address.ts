import { BlockList, isIP } from 'node:net';

/** Normalizes an address from `X-Forwarded-For` or a socket: removes port, brackets and zone, and converts IPv4-mapped IPv6
 *  to IPv4. Returns null if the text is not an address, for example `unknown`. */
export function parseAddress(text: string): string | null {
  const trimmed = text.trim();
  const bare = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(trimmed)?.[1] ?? trimmed;
  const address = bare.replace(/%.*$/, '');
  if (isIP(address) === 4) return address;
  if (isIP(address) !== 6) return null;
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (!mapped) return canonical;
  return mapped
    .slice(1)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 255])
    .join('.');
}

/** Returns a function, for Fastify's `trustProxy`, that says whether an address is one of these proxies (IPs and CIDRs). */
export function trustProxies(proxies: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return (text) => {
    const address = parseAddress(text);
    return address !== null && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  };
}

/** Returns the client's address. `hops` is Fastify's `request.ips`, nearest first: the socket's address and, behind trusted
 *  proxies, the entries of `X-Forwarded-For` up to the first untrusted address.
 *  An invalid entry counts as the proxy that sent it, so a client cannot invent addresses. */
export function clientAddressOf(hops: readonly (string | undefined)[]): string {
  let client = '';
  for (const hop of hops) {
    const address = parseAddress(hop ?? '');
    if (address === null) break;
    client = address;
  }
  return client;
}
