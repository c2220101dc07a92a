import { BlockList, isIP } from 'node:net';

/** One entry of an operator's list. The wildcard `*.example.com` has the suffix `.example.com`. */
export type HostEntry =
  | { kind: 'name'; name: string }
  | { kind: 'wildcard'; suffix: string }
  | { kind: 'network'; address: string; family: 4 | 6; prefix: number };

const HOST_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;
// URL parsers read such a name as an IPv4 address.
const NUMERIC_ENDING = /(^|\.)(\d+|0x[0-9a-f]*)$/;

/** Parses an operator's list of CIDRs, addresses, host names and wildcards, separated by commas:
 *  `127.0.0.0/8,::1,localhost,*.svc.cluster.local`, or `none`. Throws an Error that names the first invalid entry. */
export function parseHostEntries(text: string): HostEntry[] {
  const entries = text.split(',').map((entry) => entry.trim().toLowerCase());
  if (entries.length === 1 && (entries[0] === '' || entries[0] === 'none')) return [];
  return entries.map(parseEntry);
}

/** Returns a function that is true for listed names and names below a wildcard at any depth. */
export function nameMatcher(entries: HostEntry[]): (hostname: string) => boolean {
  const names = new Set(entries.flatMap((entry) => (entry.kind === 'name' ? [entry.name] : [])));
  const suffixes = entries.flatMap((entry) => (entry.kind === 'wildcard' ? [entry.suffix] : []));
  return (hostname) => names.has(hostname) || suffixes.some((suffix) => hostname.endsWith(suffix));
}

/** Creates a list of networks such as `10.0.0.0/8` and `fd00::/8`. */
export function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function parseEntry(entry: string): HostEntry {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 4 || family === 6) {
    const bits = family === 4 ? 32 : 128;
    if (prefix === undefined) return { kind: 'network', address, family, prefix: bits };
    if (rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits) {
      return { kind: 'network', address, family, prefix: Number(prefix) };
    }
    throw new Error(`"${entry}" is not a network: the prefix must be from /0 to /${bits}`);
  }
  const name = entry.replace(/^\*\./, '');
  // `none` together with other entries is a contradiction.
  if (name !== 'none' && HOST_NAME.test(name) && !NUMERIC_ENDING.test(name)) {
    return name === entry ? { kind: 'name', name } : { kind: 'wildcard', suffix: `.${name}` };
  }
  throw new Error(
    `"${entry}" is not a CIDR (10.0.0.0/8), an address (::1), a host name (localhost) or a wildcard (*.svc.cluster.local)`,
  );
}
