import { isIP } from 'node:net';
import type { AllowList } from './allow-list.js';
import { networkList } from './host-entries.js';
import { insideIpv6 } from './inside-ipv6.js';

// IANA's special-purpose and multicast networks, and Azure's platform address, which is in public space.
const REFUSED_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '168.63.129.16/32',
];

// Only global unicast without its special networks. This refuses ::1, IPv4 inside IPv6, NAT64, unique local, link local
// and multicast.
const ALLOWED_IPV6 = ['2000::/3'];
const REFUSED_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

// Metadata services, which return cloud credentials. No allow list opens these. Review the list with each release,
// because clouds add to it.
const METADATA_IPV4 = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
];
const METADATA_IPV6 = ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254'];

const refusedIpv4 = networkList(REFUSED_IPV4);
const allowedIpv6 = networkList(ALLOWED_IPV6);
const refusedIpv6 = networkList(REFUSED_IPV6);
const nat64 = networkList(['64:ff9b::/96']);
const refusedBehindNat64 = networkList(REFUSED_IPV4.map(behindNat64));
const metadata = networkList([
  ...METADATA_IPV4.map((address) => `${address}/32`),
  ...METADATA_IPV4.flatMap((address) => insideIpv6(address, 32)),
  ...METADATA_IPV6.map((address) => `${address}/128`),
]);

/** Returns whether a webhook may be sent to an IP address. `listedName`: the allow list contains the host name that
 *  resolved to it, so only metadata addresses are refused. Refuses everything that is not a plain address, such as
 *  zone ids. */
export function mayReach(address: string, allowPrivate: AllowList, { listedName }: { listedName: boolean }): boolean {
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (metadata.check(address, type)) return false;
  if (family === 6 && nat64.check(address, type))
    return allowPrivate.hasNat64 && !refusedBehindNat64.check(address, type);
  if (listedName || allowPrivate.hasAddress(address)) return true;
  if (family === 4) return !refusedIpv4.check(address, type);
  return allowedIpv6.check(address, type) && !refusedIpv6.check(address, type);
}

function behindNat64(network: string): string {
  const [address, prefix] = network.split('/');
  return `64:ff9b::${address}/${96 + Number(prefix)}`;
}
