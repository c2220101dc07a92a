import { readdirSync } from 'node:fs';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { basePathOf } from '../base-path.js';
import type { ApiDeps } from '../deps.js';

/** The pages load only their own files, and contain no inline style or script. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'", // the search index
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Serves the documentation at /docs, with relative links, so it works under any path. A page has no extension in its URL.
 *  Files in /docs/assets have a content hash in their name and are cached for a year; browsers revalidate everything else. */
export const docsPages: FastifyPluginAsync<Pick<ApiDeps, 'docsDirectory' | 'publicUrl'>> = async (
  app,
  { docsDirectory, publicUrl },
) => {
  if (docsDirectory === null) return;
  const basePath = basePathOf({ publicUrl });
  await app.register(fastifyStatic, {
    root: docsDirectory,
    prefix: '/docs/',
    wildcard: false,
    index: false,
    preCompressed: true,
    schemaHide: true,
    globIgnore: ['**/*.html', '**/*.gz', '**/*.br'],
    setHeaders(reply, path) {
      const isHashed = path.includes('/assets/');
      void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  const sendPage = (reply: FastifyReply, file: string) =>
    reply
      .headers({
        'content-security-policy': POLICY,
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
        'permissions-policy': 'camera=(), microphone=(), geolocation=()',
      })
      .sendFile(file);
  for (const file of readdirSync(docsDirectory, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.html')) continue;
    const path = file.replaceAll('\\', '/').replace(/(^|(?<=\/))index\.html$|\.html$/, '');
    app.get(`/docs/${path}`, { schema: { hide: true } }, (_request, reply) => sendPage(reply, file));
  }
  app.get('/docs', { schema: { hide: true } }, (_request, reply) => reply.redirect(`${basePath}/docs/`));
};
