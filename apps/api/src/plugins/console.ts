import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { basePathOf } from '../base-path.js';
import { pagePolicy } from './security-headers.js';
import type { ApiDeps } from '../deps.js';
import { NoRoute } from '../errors.js';

/** Paths that are not pages of the console. */
const OTHER_PATHS = /^\/(v1|api|docs|assets|openapi\.json|livez|readyz|metrics)([/?]|$)/;

const READS = new Set(['GET', 'HEAD']);
/** Only portal pages can be framed. */
const PORTAL = /^\/portal([/?]|$)/;

/** The page itself is sent with other headers; compressed copies are sent in place of their originals. */
const isServed = (name: string): boolean => name !== 'index.html' && !/\.(gz|br)$/.test(name);

/** Serves the console at /, below the path of PUBLIC_URL. Every path that is not another route gets the console's page.
 *  Files in /assets have a content hash in their name and are cached for a year. */
export const consolePages = fp<Pick<ApiDeps, 'consoleDirectory' | 'frameAncestors' | 'publicUrl'>>(
  async (app, { consoleDirectory, frameAncestors, publicUrl }) => {
    const basePath = basePathOf({ publicUrl });
    if (consoleDirectory === null) {
      app.setNotFoundHandler(app.handleNoRoute);
      app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect(`${basePath}/docs/`));
      return;
    }
    // The console resolves its scripts, links and requests against the base.
    const consolePage = readFileSync(join(consoleDirectory, 'index.html'), 'utf8').replace(
      '<base href="/"',
      () => `<base href="${basePath}/"`,
    );
    // The console trusts this attribute, not the path: a page that can be framed must never use the console's session.
    const portalPage = consolePage.replace('<html ', '<html data-portal ');
    const sendPage = (request: FastifyRequest, reply: FastifyReply) => {
      const isPortal = PORTAL.test(request.url);
      const policy = isPortal
        ? pagePolicy({
            frameAncestors: ["'self'", ...frameAncestors],
            also: { 'img-src': "'self' data: https:" }, // its logo
          })
        : pagePolicy({ frameAncestors: [], also: { 'img-src': "'self' data:" } });
      return reply
        .type('text/html; charset=utf-8')
        .headers({
          'cache-control': 'no-cache',
          'content-security-policy': policy,
          'referrer-policy': 'same-origin',
          'permissions-policy': 'camera=(), microphone=(), geolocation=()',
          ...(!isPortal && { 'x-frame-options': 'DENY' }),
        })
        .send(isPortal ? portalPage : consolePage);
    };

    await app.register(fastifyStatic, {
      root: consoleDirectory,
      serve: false,
      preCompressed: true,
      setHeaders(reply, path) {
        const isHashed = path.includes('/assets/');
        void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
    const assets = new Set(readdirSync(join(consoleDirectory, 'assets')).filter(isServed));
    app.get<{ Params: { name: string } }>(
      '/assets/:name',
      { schema: { hide: true } },
      ({ params: { name } }, reply) => {
        if (!assets.has(name)) throw new NoRoute();
        return reply.sendFile(`assets/${name}`);
      },
    );
    for (const { name } of readdirSync(consoleDirectory, { withFileTypes: true }).filter((entry) => entry.isFile())) {
      if (isServed(name)) app.get(`/${name}`, { schema: { hide: true } }, (_request, reply) => reply.sendFile(name));
    }
    app.get('/', { schema: { hide: true } }, sendPage);
    app.setNotFoundHandler((request, reply) => {
      const isPage =
        READS.has(request.method) &&
        !OTHER_PATHS.test(request.url) &&
        /\btext\/html\b/.test(request.headers.accept ?? '');
      return isPage ? sendPage(request, reply) : app.handleNoRoute(request, reply);
    });
  },
);
