import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';

/** Content-Security-Policy of a response that is not a page: it loads and runs nothing, and cannot be framed. */
const NOT_A_PAGE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Returns the Content-Security-Policy of a page that loads only its own files. `frameAncestors`: sources whose pages may frame it. */
export function pagePolicy({
  frameAncestors,
  also = {},
}: {
  frameAncestors: readonly string[];
  also?: Record<string, string>;
}): string {
  const directives = {
    'default-src': "'self'",
    'object-src': "'none'",
    'base-uri': "'self'",
    'form-action': "'self'",
    ...also,
    'frame-ancestors': frameAncestors.join(' ') || "'none'",
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ');
}

/** Sets the default security headers: the response must not be cached, sniffed, run or framed, and its address not be sent on. Keeps
 *  existing policies. */
export function secure(reply: FastifyReply): void {
  // Responses contain secrets and messages, so no cache may store them.
  if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  if (!reply.hasHeader('referrer-policy')) void reply.header('referrer-policy', 'no-referrer');
  void reply.header('x-content-type-options', 'nosniff');
  if (!reply.hasHeader('content-security-policy')) {
    void reply.headers({ 'content-security-policy': NOT_A_PAGE, 'x-frame-options': 'DENY' });
  }
}

/** Applies `secure` to every response. Register it before all routes: hooks apply only to routes that are registered later. */
export const securityHeaders = fp((app, _options, done) => {
  app.addHook('onSend', (_request, reply, payload, next) => {
    secure(reply);
    next(null, payload);
  });
  done();
});
