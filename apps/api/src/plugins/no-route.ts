import { maxHeaderSize, METHODS } from 'node:http';
import fp from 'fastify-plugin';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { answerProblem } from '../error-handler.js';
import { ApiError, MethodNotAllowed } from '../errors.js';
import { answerPapercupsError } from '../routes/papercups-errors.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers a request that has no route: 405 with `Allow` where its path has other methods, else 404. */
    answerNoRoute(this: void, request: FastifyRequest, reply: FastifyReply): void;
  }
}

/** Its types lack QUERY, which we do not use. */
const isHttpMethod = (method: string): method is HTTPMethod => METHODS.includes(method);
const READS = new Set(['GET', 'HEAD']);

/** Knows the methods of each path: register it before the routes. What may have a body is answered before the body is read.
 *  A GET goes on to the not-found handler, which may have a page for it. */
export const noRoute = fp((app, _options, done) => {
  // Fastify does not say which methods a path has. This router of the same library holds the same routes, and does.
  const router = findMyWay({ maxParamLength: maxHeaderSize });
  const methods = new Set<HTTPMethod>();
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat().filter(isHttpMethod)) {
      methods.add(one);
      if (!router.hasRoute(one, url)) router.on(one, url, () => {});
    }
  });

  app.decorate('answerNoRoute', (request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const allowed = [...methods].filter((method) => router.find(method, path) !== null).toSorted();
    const error =
      allowed.length > 0
        ? new MethodNotAllowed(request.method, allowed.join(', '))
        : new ApiError('not_found', 'There is no such route: see /docs.');
    (/^\/api(\/|$)/.test(path) ? answerPapercupsError : answerProblem)(error, request, reply);
  });
  app.addHook('onRequest', (request, reply, next) => {
    if (request.is404 && !READS.has(request.method)) app.answerNoRoute(request, reply);
    else next();
  });
  done();
});
