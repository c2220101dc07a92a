import { isIP } from 'node:net';
import { nameMatcher, networkList, parseHostEntries } from './host-entries.js';

/** What an operator allows although the address rules refuse it. It allows exactly what it names. */
export type AllowList = {
  /** True for listed host names and names below a wildcard. `hostname` is in the parsed, lower-case form of a URL. */
  hasName: (hostname: string) => boolean;
  /** True for exactly the listed host names. */
  namesExactly: (hostname: string) => boolean;
  /** True if a listed address or CIDR of the same family covers the address. 10.0.0.0/8 does not cover
   *  `::ffff:10.0.0.1`. */
  hasAddress: (address: string) => boolean;
  /** True if it lists an address or a CIDR, so that a private name may resolve to one of them. */
  hasNetworks: boolean;
  /** True if the operator has opted in to the NAT64 network 64:ff9b::/96. */
  hasNat64: boolean;
};

/** Parses ALLOW_PRIVATE_NETWORKS. Throws an Error that names the first invalid entry. */
export function parseAllowList(text: string): AllowList {
  const entries = parseHostEntries(text);
  const networksOf = (family: 4 | 6) =>
    entries.flatMap((entry) =>
      entry.kind === 'network' && entry.family === family ? [`${entry.address}/${entry.prefix}`] : [],
    );
  // One list per family: in a shared list, Node lets a rule for 127.0.0.0/8 also match ::ffff:127.0.0.1.
  const [ipv4, ipv6] = [networkList(networksOf(4)), networkList(networksOf(6))];
  const hasAddress = (address: string) =>
    isIP(address) === 4 ? ipv4.check(address, 'ipv4') : ipv6.check(address, 'ipv6');
  return {
    hasName: nameMatcher(entries),
    namesExactly: nameMatcher(entries.filter(({ kind }) => kind === 'name')),
    hasAddress,
    hasNetworks: entries.some(({ kind }) => kind === 'network'),
    hasNat64: hasAddress('64:ff9b::8.8.8.8'),
  };
}
