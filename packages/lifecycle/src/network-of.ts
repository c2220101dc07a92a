import { parseAddress } from './client-address.js';

/** Who is calling, for a count: the address, or of IPv6 the /64, since one machine owns all of it. Every spelling of an
 *  address counts as one, and so does everything that is no address. */
export function networkOf(text: string): string {
  const address = parseAddress(text);
  if (address === null) return 'unknown';
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}
