import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ProblemCode } from '@posthorn/contract';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the error response. */
    problemCode: ProblemCode | null;
  }
}

const SANE_ID = /^[A-Za-z0-9_.-]{1,128}$/;

/** Returns the caller's X-Request-Id if it is safe to log, else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID().replaceAll('-', '');
}

const QUIET = new Set(['/livez', '/readyz', '/metrics']);

/** Echoes the request id and logs one line per request, without headers, body and query. */
export const requestLog = fp((app, _options, done) => {
  app.decorateRequest('problemCode', null);
  app.addHook('onRequest', (request, reply, next) => {
    void reply.header('x-request-id', request.id);
    next();
  });
  app.addHook('onResponse', (request, reply, next) => {
    const { url: route = null } = request.routeOptions;
    const line = {
      method: request.method,
      path: request.url.split('?', 1)[0]?.slice(0, 500),
      route,
      statusCode: reply.statusCode,
      code: request.problemCode ?? undefined,
      caller: request.caller?.kind,
      keyId: request.caller?.kind === 'account' ? request.caller.keyId : undefined,
      sessionId: request.caller?.session?.id,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
    };
    if (route !== null && QUIET.has(route)) request.log.debug(line, 'request');
    else request.log.info(line, 'request');
    next();
  });
  done();
});
