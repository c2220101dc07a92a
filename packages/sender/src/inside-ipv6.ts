/** Returns the IPv6 networks whose addresses contain addresses of an IPv4 network: mapped, compatible, translated,
 *  NAT64, 6to4. */
export function insideIpv6(address: string, prefix: number): string[] {
  const hex = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return [
    `::ffff:${address}/${96 + prefix}`,
    `::${address}/${96 + prefix}`,
    `::ffff:0:${address}/${96 + prefix}`,
    `64:ff9b::${address}/${96 + prefix}`,
    `2002:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}::/${16 + prefix}`,
  ];
}
