import { isIP } from 'node:net';
import { nameMatcher, networkList, parseHostEntries } from './host-entries.js';
import { insideIpv6 } from './inside-ipv6.js';

/** What an operator never allows. It overrides the allow list. */
export type DenyList = {
  /** True for listed host names and names below a wildcard. `hostname` is in the parsed, lower-case form of a URL. */
  hasName: (hostname: string) => boolean;
  /** True if a listed address or CIDR covers the address in either family: an IPv6 address that contains a denied
   *  IPv4 address is denied, and the reverse. */
  hasAddress: (address: string) => boolean;
};

/** Parses DENY_NETWORKS. Throws an Error that names the first invalid entry. */
export function parseDenyList(text: string): DenyList {
  const entries = parseHostEntries(text);
  const networks = entries.filter((entry) => entry.kind === 'network');
  const ipv4 = networkList(
    networks.flatMap(({ address, family, prefix }) => (family === 4 ? [`${address}/${prefix}`] : [])),
  );
  const ipv6Networks = networks.filter(({ family }) => family === 6);
  const ipv6 = networkList([
    ...ipv6Networks.map(({ address, prefix }) => `${address}/${prefix}`),
    ...networks.flatMap(({ address, family, prefix }) => (family === 4 ? insideIpv6(address, prefix) : [])),
  ]);
  // A rule for mapped addresses (::ffff:10.0.0.0/104) also covers the IPv4 addresses; a wide one such as ::/0 covers
  // only IPv6.
  const mapped = networkList(
    ipv6Networks.flatMap(({ address, prefix }) => (prefix >= 96 ? [`${address}/${prefix}`] : [])),
  );
  return {
    hasName: nameMatcher(entries),
    hasAddress: (address) =>
      isIP(address) === 4
        ? ipv4.check(address, 'ipv4') || mapped.check(`::ffff:${address}`, 'ipv6')
        : ipv6.check(address, 'ipv6'),
  };
}
