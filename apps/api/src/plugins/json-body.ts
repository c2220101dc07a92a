import { parseJson } from '@posthorn/core';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { z } from 'zod';
import { decompress } from '../decompress.js';
import { ApiError, InvalidJson, InvalidRequest } from '../errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The decompressed body on routes with `config.bodyAsBytes`; empty on other routes. */
    bodyBytes: Buffer;
  }
  interface FastifyContextConfig {
    /** The route parses its body itself, from `request.bodyBytes`. */
    bodyAsBytes?: boolean;
    /** Maximum number of JSON values in a body, including nested ones. Default: 10,000. */
    maxJsonValues?: number;
    /** Schema of the body in the OpenAPI document, for a route that validates its body itself. */
    shownBody?: z.ZodType;
  }
}

// More than metadata of 16 KiB can have. A body of the default limit could have 65,000 values and block the event loop.
const MAX_VALUES = 10_000;
const NO_BYTES = Buffer.alloc(0);

/** The only body parser: application/json in UTF-8, possibly compressed. An empty body counts as absent. `bodyLimit` applies before
 *  and after decompression. */
export const jsonBody = fp((app, _options, done) => {
  app.decorateRequest('bodyBytes', {
    getter() {
      return Buffer.isBuffer(this.body) ? this.body : NO_BYTES;
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    const { bodyLimit, config } = request.routeOptions;
    requireUtf8(request.headers['content-type']);
    const bytes = await decompress(body, { coding: request.headers['content-encoding'], maxBytes: bodyLimit });
    return config.bodyAsBytes ? bytes : parse(bytes, config.maxJsonValues ?? MAX_VALUES);
  });
  done();
});

function requireUtf8(contentType = ''): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  if (!/^utf-?8$/i.test(charset)) throw new ApiError('unsupported_media_type', 'Send the body as UTF-8.');
}

function parse(bytes: Buffer, maxValues: number): unknown {
  const parsed = parseJson(bytes, { maxValues });
  if (parsed.outcome === 'not_json') throw new InvalidJson(`The body is not JSON: ${parsed.message}.`);
  if (parsed.outcome === 'over_limit') throw new InvalidRequest([{ path: '', message: parsed.message }]);
  const { value } = parsed;
  if (UNDERSCORES.some((text) => bytes.includes(text)) && hasKey(value, '__proto__')) {
    throw new InvalidRequest([{ path: '__proto__', message: 'is not allowed as a name' }]);
  }
  return value;
}

// Libraries that copy a key __proto__ change the prototype of an object. Only a body that contains the name, or an escaped
// underscore, needs the search.
const UNDERSCORES = ['__proto__', '\\u005f', '\\u005F'];

function hasKey(root: unknown, key: string): boolean {
  const queue = [root];
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, key)) return true;
    for (const child of Object.values(value)) queue.push(child);
  }
  return false;
}
