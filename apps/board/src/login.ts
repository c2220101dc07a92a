import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientAddressOf, networkOf, openBoardTickets } from '@posthorn/lifecycle';
import { countFailedLogins } from './failed-logins.js';
import { loginPage, logoutPage, SCRIPT_HASH, STYLE_HASH } from './login-page.js';
import { isSameOrigin } from './same-origin.js';
import { pageCsp, setContentSecurityPolicy } from './security-headers.js';
import { openSessions } from './sessions.js';

export type Login = { requireLogin: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> };

const COOKIE = 'posthorn_board';
const SESSION_MS = 12 * 60 * 60 * 1000;
const FAILURES_PER_MINUTE = 10;
const OWN_PAGE = 'This form came from another site. Sign in here.';

/** Adds /login and /logout, and returns the hook that requires a session. Without one, a page redirects to the login and any
 *  other request gets a 401. */
export async function addLogin(
  app: FastifyInstance,
  options: { password: string; operatorKey: string | null; apiUrl: string | null; now: () => number },
): Promise<Login> {
  const { password, operatorKey, now } = options;
  const tickets = operatorKey === null ? null : openBoardTickets({ operatorKey, now });
  // The console's page asks the API for a ticket, and leads back here.
  const consoleUrl = tickets === null || options.apiUrl === null ? null : `${options.apiUrl}/board`;
  const sessions = openSessions({ lastsMs: SESSION_MS, now });
  const failedLogins = countFailedLogins({ limit: FAILURES_PER_MINUTE, windowMs: 60_000, now });
  await app.register(cookie, { secret: randomBytes(32) });

  const sessionOf = (request: FastifyRequest): string | null => {
    const signed = request.cookies[COOKIE];
    if (signed === undefined) return null;
    const { valid, value } = request.unsignCookie(signed);
    return valid && value !== null && sessions.has(value) ? value : null;
  };

  await app.register(async (pages) => {
    await pages.register(formbody, { bodyLimit: 4096 });
    setContentSecurityPolicy(pages, pageCsp({ styleHash: STYLE_HASH, scriptHash: SCRIPT_HASH }));
    const show = (reply: FastifyReply, html: string) => reply.type('text/html; charset=utf-8').send(html);
    const showLogin = (reply: FastifyReply, { next, error }: { next: string; error: string | null }) =>
      show(reply, loginPage({ next, error, consoleUrl }));
    const admit = (
      request: FastifyRequest,
      reply: FastifyReply,
      { caller, next }: { caller: string; next: string },
    ) => {
      failedLogins.clear(caller);
      request.log.info({ logType: 'audit', caller }, 'board.logged_in');
      return reply
        .setCookie(COOKIE, sessions.open(), {
          path: '/',
          httpOnly: true,
          sameSite: 'strict',
          secure: isHttps(request),
          maxAge: SESSION_MS / 1000,
          signed: true,
        })
        .redirect(next, 303);
    };
    /** Counts the failure and shows the page again, with a 429 once there were too many. */
    const refuse = (
      request: FastifyRequest,
      reply: FastifyReply,
      { caller, next, error }: { caller: string; next: string; error: string },
    ) => {
      const waitMs = failedLogins.waitMs(caller);
      if (waitMs > 0) {
        const seconds = Math.ceil(waitMs / 1000);
        reply.code(429).header('retry-after', seconds);
        return showLogin(reply, { next, error: `Too many failed sign-ins. Try again in ${seconds} s.` });
      }
      failedLogins.add(caller);
      request.log.warn({ logType: 'audit', caller }, 'board.login_failed');
      return showLogin(reply.code(401), { next, error });
    };

    pages.get<{ Querystring: { next?: unknown } }>('/login', async (request, reply) => {
      const next = localPath(request.query.next);
      if (sessionOf(request) !== null) return reply.redirect(next, 303);
      return showLogin(reply, { next, error: null });
    });

    pages.post<{ Body: { password?: unknown; next?: unknown } | undefined }>('/login', async (request, reply) => {
      const next = localPath(request.body?.next);
      if (!isSameOrigin(request)) return showLogin(reply.code(403), { next, error: OWN_PAGE });
      const caller = networkOf(clientAddressOf(request.ips ?? []));
      return isSame(textOf(request.body?.password), password)
        ? admit(request, reply, { caller, next })
        : refuse(request, reply, { caller, next, error: 'Wrong password.' });
    });

    // The ticket comes in the fragment of a link; the page's script sends it here. A GET of the page does not use it up.
    pages.post<{ Body: { ticket?: unknown; next?: unknown } | undefined }>('/login/ticket', async (request, reply) => {
      const next = localPath(request.body?.next);
      if (!isSameOrigin(request)) return showLogin(reply.code(403), { next, error: OWN_PAGE });
      const caller = networkOf(clientAddressOf(request.ips ?? []));
      return tickets?.accept(textOf(request.body?.ticket))
        ? admit(request, reply, { caller, next })
        : refuse(request, reply, {
            caller,
            next,
            error: 'This link has expired or was already used. Open the board from the console again.',
          });
    });

    // A link can only GET, and a GET must not end a session, so the link leads to a page with a button.
    pages.get('/logout', async (_request, reply) => show(reply, logoutPage()));

    pages.post('/logout', async (request, reply) => {
      if (!isSameOrigin(request)) return show(reply.code(403), logoutPage());
      const session = sessionOf(request);
      if (session !== null) sessions.close(session);
      return reply.clearCookie(COOKIE, { path: '/' }).redirect('/login', 303);
    });
  });

  return {
    requireLogin: async (request, reply) => {
      if (sessionOf(request) !== null) return;
      const wantsPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
      if (wantsPage) return reply.redirect(`/login?next=${encodeURIComponent(localPath(request.url))}`, 302);
      return reply.code(401).send({ error: 'You are not logged in, or your session has expired. Reload the page.' });
    },
  };
}

/** A field that is sent twice is an array, which is not a password. */
const textOf = (field: unknown): string => (typeof field === 'string' ? field : '');

/** Takes the same time for any two texts, wherever they differ and whatever their lengths. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** The path to open after the login. Rejects other sites (`//host`, `/\host`). */
function localPath(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) && !/^\/log(in|out)\b/.test(next)
    ? next
    : '/';
}

/** `X-Forwarded-Proto` only decides whether this caller's own cookie is marked Secure. */
function isHttps(request: FastifyRequest): boolean {
  const forwarded = request.headers['x-forwarded-proto'];
  return request.protocol === 'https' || (typeof forwarded === 'string' && forwarded.split(',')[0]?.trim() === 'https');
}
