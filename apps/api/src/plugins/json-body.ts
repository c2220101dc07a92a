import { parseJson } from '@posthorn/core';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { z } from 'zod';
import { decompress } from '../decompress.js';
import { ApiError, InvalidJson, InvalidRequest } from '../errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body, decompressed, on routes whose `config.bodyAsBytes` is set; elsewhere empty. */
    bodyBytes: Buffer;
  }
  interface FastifyContextConfig {
    /** The route takes its body as bytes, in `request.bodyBytes`, and reads it itself. */
    bodyAsBytes?: boolean;
    /** How many values a body may have, those within others included. Default: 10,000. */
    maxJsonValues?: number;
    /** The body in the OpenAPI document, of a route that checks its body itself. */
    shownBody?: z.ZodType;
  }
}

// More than the largest metadata may have, 16 KiB. A body of the default limit might have 65,000 and hold the process up.
const MAX_VALUES = 10_000;
const NO_BYTES = Buffer.alloc(0);

/** The only parser: application/json in UTF-8, as it is or compressed. An empty body is no body. `bodyLimit` holds for the
 *  bytes as they come and again after decompression. */
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

// Assigning a key __proto__, as many a library does with what it is given, changes an object's prototype. Only a text
// with such letters, or with an escaped underscore, needs the search.
const UNDERSCORES = ['__proto__', '\\u005f', '\\u005F'];

function hasKey(root: unknown, key: string): boolean {
  const left = [root];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, key)) return true;
    for (const child of Object.values(value)) left.push(child);
  }
  return false;
}
