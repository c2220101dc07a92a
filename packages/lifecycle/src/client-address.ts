import { BlockList, isIP } from 'node:net';

/** An address as `X-Forwarded-For` and sockets write it, in one spelling: without a port, brackets or a zone, IPv4 also
 *  where it is mapped into IPv6. Returns null for what is no address, such as `unknown`. */
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

/** Whether an address is one of these proxies, given as IPs and CIDRs. For Fastify's `trustProxy`. */
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

/** The client's address. `hops` are the socket's address and, where that is a trusted proxy, the entries of
 *  `X-Forwarded-For` up to the first that no trusted proxy wrote, nearest first: Fastify's `request.ips`.
 *  An entry that is no address counts as the proxy that sent it, so nobody can make up clients. */
export function clientAddressOf(hops: readonly (string | undefined)[]): string {
  let client = '';
  for (const hop of hops) {
    const address = parseAddress(hop ?? '');
    if (address === null) break;
    client = address;
  }
  return client;
}
