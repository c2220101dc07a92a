import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { basePathOf } from '../base-path.js';
import type { ApiDeps } from '../deps.js';

/** What is no page of the console's, though a browser asks for it. */
const OTHERS = /^\/(v1|api|docs|assets|openapi\.json|livez|readyz|metrics)([/?]|$)/;

/** Serves the console at / (below PUBLIC_URL’s path, if it has one), and its one page for every path below that is nobody
 *  else's. Files under /assets have their content's hash in their name, and may be kept for a year. */
export const consolePages = fp<Pick<ApiDeps, 'consoleDirectory' | 'frameAncestors' | 'publicUrl'>>(
  async (app, { consoleDirectory, frameAncestors, publicUrl }) => {
    const basePath = basePathOf({ publicUrl });
    if (consoleDirectory === null) {
      app.setNotFoundHandler(app.answerNoRoute);
      app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect(`${basePath}/docs`));
      return;
    }
    // Its scripts, its own addresses and its requests all go from the base.
    const page = readFileSync(join(consoleDirectory, 'index.html'), 'utf8').replace(
      '<base href="/"',
      () => `<base href="${basePath}/"`,
    );
    const policy = [
      "default-src 'self'",
      "img-src 'self' data: https:", // the portal's logo
      "object-src 'none'",
      "base-uri 'self'",
      "form-action 'self'",
      `frame-ancestors ${["'self'", ...frameAncestors].join(' ')}`,
    ].join('; ');
    const sendPage = (_request: FastifyRequest, reply: FastifyReply) =>
      reply
        .type('text/html; charset=utf-8')
        .headers({
          'cache-control': 'no-cache',
          'content-security-policy': policy,
          'referrer-policy': 'same-origin',
          'permissions-policy': 'camera=(), microphone=(), geolocation=()',
        })
        .send(page);

    await app.register(fastifyStatic, {
      root: consoleDirectory,
      wildcard: false,
      index: false,
      preCompressed: true,
      schemaHide: true,
      globIgnore: ['index.html', '**/*.gz', '**/*.br'],
      setHeaders(reply, path) {
        const isHashed = path.includes('/assets/');
        void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
    app.get('/', { schema: { hide: true } }, sendPage);
    app.setNotFoundHandler((request, reply) => {
      const isPage =
        request.method === 'GET' && !OTHERS.test(request.url) && /\btext\/html\b/.test(request.headers.accept ?? '');
      return isPage ? sendPage(request, reply) : app.answerNoRoute(request, reply);
    });
  },
);
