import type { FastifyRequest } from 'fastify';

/** Whether a request that changes something was made by one of our own pages. The cookie is SameSite=Strict already;
 *  this also holds against other ports and subdomains of the same site, which that does not cover.
 *  `X-Forwarded-Host` is believed, since no foreign page can make a browser send it. */
export function isSameOrigin({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const fetchSite = headers['sec-fetch-site'];
  if (fetchSite !== undefined) return fetchSite === 'same-origin';
  const origin = headers.origin;
  if (origin === undefined || !URL.canParse(origin)) return false;
  return [headers.host, headers['x-forwarded-host']].includes(new URL(origin).host);
}
