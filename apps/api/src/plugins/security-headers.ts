import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';

/** The policy of what is no page: it loads nothing, runs nothing, and no page may show it in a frame. */
const NO_PAGE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A page of ours, which loads its own files alone. `frameAncestors`: the sources whose pages may show it in a frame. */
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

/** Puts the headers of a response that sets no policy of its own: it is not to be cached, sniffed, run or framed. */
export function secure(reply: FastifyReply): void {
  // Responses hold secrets and other people's messages: no cache between here and the caller may keep them.
  if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  void reply.header('x-content-type-options', 'nosniff');
  if (!reply.hasHeader('content-security-policy')) {
    void reply.headers({ 'content-security-policy': NO_PAGE, 'x-frame-options': 'DENY' });
  }
}

/** Secures every response. Registered before everything that has routes: a plugin knows only the hooks of before. */
export const securityHeaders = fp((app, _options, done) => {
  app.addHook('onSend', (_request, reply, payload, next) => {
    secure(reply);
    next(null, payload);
  });
  done();
});
