import type { FastifyRequest } from 'fastify';

/** The address that a request came from: behind proxies that are trusted (TRUSTED_PROXIES), the one that they name. */
export const addressOf = ({ ip }: FastifyRequest): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip;

/** Who is calling, for a count: the address, or of IPv6 the /64, since one machine owns all of it. */
export function networkOf(request: FastifyRequest): string {
  const address = addressOf(request);
  if (!address.includes(':')) return address.slice(0, 64);
  const [head = '', tail = ''] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`.slice(0, 64);
}
