import { isIP } from 'node:net';
import { nameMatcher, networkList, parseHostEntries } from './host-entries.js';
import { insideIpv6 } from './inside-ipv6.js';

/** What an operator never lets webhooks reach. It beats the allow list. */
export type DenyList = {
  /** True for the listed host names and for names below a wildcard; `hostname` in the parsed, lower-case form of a URL. */
  hasName: (hostname: string) => boolean;
  /** True when a listed address or CIDR covers the address, in either family: an IPv6 address that carries a denied IPv4
   *  address is denied, and the reverse. */
  hasAddress: (address: string) => boolean;
};

/** Reads DENY_NETWORKS. Throws an Error that names the first entry it cannot read. */
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
  // A rule for mapped addresses (::ffff:10.0.0.0/104) means the IPv4 ones too; a wide one such as ::/0 means IPv6.
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
