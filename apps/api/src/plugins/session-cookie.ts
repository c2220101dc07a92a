import type { FastifyRequest } from 'fastify';
import { basePathOf } from '../base-path.js';
import type { ApiDeps } from '../deps.js';
import { Forbidden } from '../errors.js';

type Where = Pick<ApiDeps, 'publicUrl'>;

/** The value of the session's cookie; null: none was sent. */
export function readSessionCookie(request: FastifyRequest, where: Where): string | null {
  const name = cookieName(isHttps(request, where), basePathOf(where));
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim() || null;
  }
  return null;
}

/** The header that makes a browser keep the token for so long; 0 seconds: forget it. No script can read it, and no other site
 *  can make a browser send it. */
export function sessionCookie(request: FastifyRequest, where: Where, token: string, lastsSeconds: number): string {
  const secure = isHttps(request, where);
  const basePath = basePathOf(where);
  const parts = [
    `${cookieName(secure, basePath)}=${token}`,
    `Path=${basePath || '/'}`,
    `Max-Age=${lastsSeconds}`,
    'HttpOnly',
    'SameSite=Strict',
  ];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}

// `__Host-`: a browser takes it only over https and from this very host, so no subdomain can plant one. It must be of the whole host;
// below a path of our own, where the rest of the host is others’, `__Secure-` is what there is.
const cookieName = (secure: boolean, basePath: string): string =>
  secure ? (basePath === '' ? '__Host-posthorn' : '__Secure-posthorn') : 'posthorn';

/** `X-Forwarded-Proto` is believed from everybody here, since it decides nothing but how the caller's own cookie is marked. */
function isHttps({ protocol, headers }: FastifyRequest, { publicUrl }: Where): boolean {
  if (publicUrl !== null) return publicUrl.startsWith('https:');
  const forwarded = headers['x-forwarded-proto'];
  return protocol === 'https' || (typeof forwarded === 'string' && forwarded.split(',', 1)[0]?.trim() === 'https');
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Of a request that is known by its cookie, and that may change something: it must come from a page of ours. SameSite=Strict
 *  says so already; the header, which no foreign page can set, and the origin also hold against other ports and subdomains
 *  of the same site. Throws Forbidden. */
export function requireOwnPage(request: FastifyRequest, where: Where): void {
  if (READS.has(request.method)) return;
  if (!request.headers['x-posthorn-csrf']) {
    throw new Forbidden('With a session’s cookie this needs the header x-posthorn-csrf: 1.');
  }
  requireSameOrigin(request, where);
}

/** Throws Forbidden if the browser says that the request was made by a page of another origin. */
export function requireSameOrigin({ headers }: FastifyRequest, { publicUrl }: Where): void {
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  if (site !== undefined ? site === 'same-origin' : origin === undefined || isOurs(origin, headers, publicUrl)) return;
  throw new Forbidden('A page of another origin may not do this with a session (Origin, Sec-Fetch-Site).');
}

/** `X-Forwarded-Host` is believed, since no foreign page can make a browser send it. */
function isOurs(origin: string, headers: FastifyRequest['headers'], publicUrl: string | null): boolean {
  if (!URL.canParse(origin)) return false;
  const hosts = [headers.host, headers['x-forwarded-host'], publicUrl === null ? undefined : new URL(publicUrl).host];
  return hosts.includes(new URL(origin).host);
}
