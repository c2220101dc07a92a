import type { FastifyRequest } from 'fastify';

/** Whether one of our own pages sent a request that changes something. Complements SameSite=Strict, which does not cover other
 *  ports and subdomains of the same site. Trusts `X-Forwarded-Host`, since no foreign page can make a browser send it. */
export function isSameOrigin({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const fetchSite = headers['sec-fetch-site'];
  if (fetchSite !== undefined) return fetchSite === 'same-origin';
  const origin = headers.origin;
  if (origin === undefined || !URL.canParse(origin)) return false;
  return [headers.host, headers['x-forwarded-host']].includes(new URL(origin).host);
}
