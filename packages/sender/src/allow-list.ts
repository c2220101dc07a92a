import { BlockList, isIP } from 'node:net';

/** What an operator lets webhooks reach although the address rules refuse it. It lifts what it names, nothing more. */
export type AllowList = {
  /** True for exactly the host names listed; `hostname` in the parsed, lower-case form that a URL has. */
  hasName: (hostname: string) => boolean;
  /** True when a listed address or CIDR of the same family covers the address; `::ffff:10.0.0.1` is not covered by 10.0.0.0/8. */
  hasAddress: (address: string) => boolean;
  /** True when the operator opted in to the NAT64 network 64:ff9b::/96. */
  hasNat64: boolean;
};

const HOST_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** Reads the operator's list of CIDRs, addresses and host names, separated by commas: `127.0.0.0/8,::1,localhost`, or `none`.
 *  Throws an Error that names the first entry it cannot read. */
export function parseAllowList(text: string): AllowList {
  const entries = text.split(',').map((entry) => entry.trim().toLowerCase());
  if (entries.length === 1 && (entries[0] === '' || entries[0] === 'none')) return listOf([]);
  return listOf(entries.map(parseEntry));
}

type Entry = { kind: 'name'; name: string } | { kind: 'network'; address: string; family: 4 | 6; prefix: number };

function parseEntry(entry: string): Entry {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 4 || family === 6) {
    const bits = family === 4 ? 32 : 128;
    if (prefix === undefined) return { kind: 'network', address, family, prefix: bits };
    if (rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits) {
      return { kind: 'network', address, family, prefix: Number(prefix) };
    }
    throw new Error(`"${entry}" is not a network: the prefix goes from /0 to /${bits}`);
  }
  // `none` beside other entries is a contradiction; `127.1` would be read as an address by every URL parser.
  if (entry !== 'none' && HOST_NAME.test(entry) && !/(^|\.)(\d+|0x[0-9a-f]*)$/.test(entry)) {
    return { kind: 'name', name: entry };
  }
  throw new Error(`"${entry}" is not a CIDR (10.0.0.0/8), an address (::1) or a host name (localhost)`);
}

function listOf(entries: Entry[]): AllowList {
  const names = new Set<string>();
  // One list per family: in a common one, Node lets a rule for 127.0.0.0/8 match ::ffff:127.0.0.1 too.
  const ipv4 = new BlockList();
  const ipv6 = new BlockList();
  for (const entry of entries) {
    if (entry.kind === 'name') names.add(entry.name);
    else if (entry.family === 4) ipv4.addSubnet(entry.address, entry.prefix, 'ipv4');
    else ipv6.addSubnet(entry.address, entry.prefix, 'ipv6');
  }
  const hasAddress = (address: string) =>
    isIP(address) === 4 ? ipv4.check(address, 'ipv4') : ipv6.check(address, 'ipv6');
  return { hasName: (hostname) => names.has(hostname), hasAddress, hasNat64: hasAddress('64:ff9b::8.8.8.8') };
}
