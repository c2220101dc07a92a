import type { FastifyInstance } from 'fastify';

const COMMON = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const NOTHING_FOREIGN =
  "default-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:";

// Bull Board's page sets style attributes and its theme in a <style>. Its scripts are files, and none needs eval.
const BOARD_CSP = `${NOTHING_FOREIGN}; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; connect-src 'self'; manifest-src 'self'`;

/** The login pages have one inline style sheet and one inline script. */
export const pageCsp = ({ styleHash, scriptHash }: { styleHash: string; scriptHash: string }) =>
  `${NOTHING_FOREIGN}; style-src '${styleHash}'; script-src '${scriptHash}'`;

/** Adds these headers to every response, including errors; a nested scope may set another policy. Only the hashed static files
 *  may be stored. */
export function addSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...COMMON, 'content-security-policy': BOARD_CSP });
    if (!request.url.startsWith('/static/')) reply.header('cache-control', 'no-store');
  });
}

export function setContentSecurityPolicy(scope: FastifyInstance, policy: string): void {
  scope.addHook('onRequest', async (_request, reply) => void reply.header('content-security-policy', policy));
}
