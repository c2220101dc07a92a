import type { FastifyRequest } from 'fastify';
import { basePathOf } from '../base-path.js';
import type { ApiDeps } from '../deps.js';
import { Forbidden } from '../errors.js';

type Where = Pick<ApiDeps, 'publicUrl'>;

/** Returns the token of the session cookie; null without a cookie. */
export function readSessionCookie(request: FastifyRequest, where: Where): string | null {
  const name = cookieName(isHttps(request, where), basePathOf(where));
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim() || null;
  }
  return null;
}

/** Returns the Set-Cookie header for the token; 0 seconds deletes the cookie. Scripts cannot read it, and other sites cannot make
 *  a browser send it. */
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

// Browsers accept `__Host-` only over https and from this host, so no subdomain can set it. It requires the path `/`, so below a base
// path the prefix is `__Secure-`.
const cookieName = (secure: boolean, basePath: string): string =>
  secure ? (basePath === '' ? '__Host-posthorn' : '__Secure-posthorn') : 'posthorn';

/** Trusts `X-Forwarded-Proto` from any caller: it only affects the flags of the caller's own cookie. */
function isHttps({ protocol, headers }: FastifyRequest, { publicUrl }: Where): boolean {
  if (publicUrl !== null) return publicUrl.startsWith('https:');
  const forwarded = headers['x-forwarded-proto'];
  return protocol === 'https' || (typeof forwarded === 'string' && forwarded.split(',', 1)[0]?.trim() === 'https');
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** CSRF protection: a request with a session cookie that may change something must come from a page of this origin. SameSite=Strict
 *  does not cover other ports and subdomains of the site; the header, which other origins cannot set, and the origin do.
 *  Throws Forbidden. */
export function requireOwnPage(request: FastifyRequest, where: Where): void {
  if (READS.has(request.method)) return;
  if (!request.headers['x-posthorn-csrf']) {
    throw new Forbidden('With a session cookie, this request needs the header x-posthorn-csrf: 1.');
  }
  requireSameOrigin(request, where);
}

/** Throws Forbidden if the browser reports that a page of another origin made the request. */
export function requireSameOrigin({ headers }: FastifyRequest, { publicUrl }: Where): void {
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  if (site !== undefined ? site === 'same-origin' : origin === undefined || isOurs(origin, headers, publicUrl)) return;
  throw new Forbidden('Pages of other origins cannot use a session (Origin, Sec-Fetch-Site).');
}

/** Trusts `X-Forwarded-Host`, since pages of other origins cannot make a browser send it. */
function isOurs(origin: string, headers: FastifyRequest['headers'], publicUrl: string | null): boolean {
  if (!URL.canParse(origin)) return false;
  const hosts = [headers.host, headers['x-forwarded-host'], publicUrl === null ? undefined : new URL(publicUrl).host];
  return hosts.includes(new URL(origin).host);
}
