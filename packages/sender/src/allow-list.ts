import { isIP } from 'node:net';
import { nameMatcher, networkList, parseHostEntries } from './host-entries.js';

/** What an operator lets webhooks reach although the address rules refuse it. It lifts what it names, nothing more. */
export type AllowList = {
  /** True for the listed host names and for names below a wildcard; `hostname` in the parsed, lower-case form of a URL. */
  hasName: (hostname: string) => boolean;
  /** True for exactly the listed host names. */
  namesExactly: (hostname: string) => boolean;
  /** True when a listed address or CIDR of the same family covers the address; `::ffff:10.0.0.1` is not covered by 10.0.0.0/8. */
  hasAddress: (address: string) => boolean;
  /** True when it lists an address or a CIDR: then a name of a private network may lead to one of them. */
  hasNetworks: boolean;
  /** True when the operator opted in to the NAT64 network 64:ff9b::/96. */
  hasNat64: boolean;
};

/** Reads ALLOW_PRIVATE_NETWORKS. Throws an Error that names the first entry it cannot read. */
export function parseAllowList(text: string): AllowList {
  const entries = parseHostEntries(text);
  const networksOf = (family: 4 | 6) =>
    entries.flatMap((entry) =>
      entry.kind === 'network' && entry.family === family ? [`${entry.address}/${entry.prefix}`] : [],
    );
  // One list per family: in a common one, Node lets a rule for 127.0.0.0/8 match ::ffff:127.0.0.1 too.
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
