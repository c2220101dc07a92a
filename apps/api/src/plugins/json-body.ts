import fp from 'fastify-plugin';
import type { z } from 'zod';
import { ApiError, InvalidJson, InvalidRequest } from '../errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as text, on routes whose `config.bodyAsText` is set; elsewhere empty. */
    bodyText: string;
  }
  interface FastifyContextConfig {
    /** The route takes its body as text, in `request.bodyText`, and parses it itself. */
    bodyAsText?: boolean;
    /** The body in the OpenAPI document, of a route that checks its body itself. */
    shownBody?: z.ZodType;
  }
}

/** The only parser: application/json in strict UTF-8. An empty body is no body. */
export const jsonBody = fp((app, _options, done) => {
  app.decorateRequest('bodyText', '');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, next) => {
    try {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      const text = decode(bytes, request.headers['content-type']);
      if (request.routeOptions.config.bodyAsText) {
        request.bodyText = text;
        next(null, undefined);
      } else {
        next(null, text.trim() === '' ? undefined : parse(text));
      }
    } catch (error) {
      next(error instanceof Error ? error : new Error('not an error', { cause: error }));
    }
  });
  done();
});

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function decode(body: Buffer, contentType = ''): string {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  if (!/^utf-?8$/i.test(charset)) throw new ApiError('unsupported_media_type', 'Send the body as UTF-8.');
  try {
    return strictUtf8.decode(body);
  } catch {
    throw new InvalidJson('The body is not UTF-8.');
  }
}

function parse(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidJson(`The body is not JSON: ${position(error)}.`);
  }
  if (UNDERSCORES.test(text) && hasKey(value, '__proto__')) {
    throw new InvalidRequest([{ path: '__proto__', message: 'is not allowed as a name' }]);
  }
  return value;
}

// Assigning a key __proto__, as many a library does with what it is given, changes an object's prototype. Only a text
// with such letters, or with an escaped underscore, needs the search.
const UNDERSCORES = /__proto__|\\u005f/i;

// V8's own text quotes the body, which may hold a secret; only the place is told.
function position(error: unknown): string {
  const at = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return at === undefined ? 'it ends too early' : `there is something unexpected at position ${at}`;
}

function hasKey(root: unknown, key: string): boolean {
  const left = [root];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, key)) return true;
    for (const child of Object.values(value)) left.push(child);
  }
  return false;
}
