import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import { basePathOf } from '../base-path.js';
import type { ApiDeps } from '../deps.js';
import { NoRoute } from '../errors.js';

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
const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};

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
    serve: false, // one route serves all files, since a route per file takes a tenth of the start
    preCompressed: true,
    setHeaders(reply, path) {
      const isHashed = path.includes('/assets/');
      void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  const files = findFiles(docsDirectory);
  app.get<{ Params: { '*': string } }>('/docs/*', { schema: { hide: true } }, (request, reply) => {
    const file = files.get(request.params['*']);
    if (file === undefined) throw new NoRoute();
    return file.endsWith('.html') ? reply.headers(PAGE_HEADERS).sendFile(file) : reply.sendFile(file);
  });
  app.get('/docs', { schema: { hide: true } }, (_request, reply) => reply.redirect(`${basePath}/docs/`));
};

/** The files by their path below /docs/. */
function findFiles(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(gz|br)$/.test(entry.name))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  return new Map(files.map((file) => [file.replace(/(^|(?<=\/))index\.html$|\.html$/, ''), file]));
}
