import { parseAddress } from './client-address.js';

/** Returns the network of a client, for rate limits: the IPv4 address, or the IPv6 /64, which one machine usually owns.
 *  All spellings of an address give the same result. Returns `unknown` if the text is not an address. */
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
