import { maxHeaderSize, METHODS } from 'node:http';
import fp from 'fastify-plugin';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { handleError } from '../error-handler.js';
import { MethodNotAllowed, NoRoute } from '../errors.js';
import { handlePapercupsError } from '../papercups-errors.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Responds to a request without a route: 405 with `Allow` if the path has other methods, else 404. */
    handleNoRoute(this: void, request: FastifyRequest, reply: FastifyReply): void;
  }
}

/** The types of find-my-way lack QUERY, which no route uses. */
const isHttpMethod = (method: string): method is HTTPMethod => METHODS.includes(method);
const READS = new Set(['GET', 'HEAD']);

/** Adds `handleNoRoute`. Register it before the routes, whose methods it collects. A request that may have a body gets its response
 *  before the body is read. A GET continues to the not-found handler, which may serve a page. */
export const noRoute = fp((app, _options, done) => {
  // Fastify does not expose the methods of a path, so a second router of the same library holds the same routes.
  const router = findMyWay({ maxParamLength: maxHeaderSize });
  const methods = new Set<HTTPMethod>();
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat().filter(isHttpMethod)) {
      methods.add(one);
      if (!router.hasRoute(one, url)) router.on(one, url, () => {});
    }
  });

  app.decorate('handleNoRoute', (request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const allowed = [...methods].filter((method) => router.find(method, path) !== null).toSorted();
    const error = allowed.length > 0 ? new MethodNotAllowed(request.method, allowed.join(', ')) : new NoRoute();
    (/^\/api(\/|$)/.test(path) ? handlePapercupsError : handleError)(error, request, reply);
  });
  app.addHook('onRequest', (request, reply, next) => {
    if (request.is404 && !READS.has(request.method)) app.handleNoRoute(request, reply);
    else next();
  });
  done();
});
