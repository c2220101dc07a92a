import { randomUUID } from 'node:crypto';
import { maxHeaderSize } from 'node:http';
import { trustProxies } from '@posthorn/lifecycle';
import fastify, { type FastifyServerOptions, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { basePathOf, withoutBasePath } from './base-path.js';
import type { ApiDeps, App } from './deps.js';
import { ApiError } from './errors.js';
import { handleError, problemOf } from './error-handler.js';
import { openExporter } from './exporter.js';
import { handlePapercupsError } from './papercups-errors.js';
import { audit } from './plugins/audit.js';
import { apiKey } from './plugins/api-key.js';
import { consolePages } from './plugins/console.js';
import { docsPages } from './plugins/docs.js';
import { emailPages } from './plugins/email-pages.js';
import { jsonBody } from './plugins/json-body.js';
import { noRoute } from './plugins/no-route.js';
import { openapi } from './plugins/openapi.js';
import { requestIdOf, requestLog } from './plugins/request-log.js';
import { secure, securityHeaders } from './plugins/security-headers.js';
import { unusedConnections } from './plugins/unused-connections.js';
import { requestMetrics } from './plugins/request-metrics.js';
import { attentionRoutes } from './routes/attention.js';
import { auditRoutes } from './routes/audit.js';
import { accountRoutes } from './routes/accounts.js';
import { deliveryRoutes } from './routes/deliveries.js';
import { emailRecipientRoutes } from './routes/email-recipients.js';
import { exportLinkRoutes } from './routes/export-links.js';
import { exportRoutes } from './routes/exports.js';
import { eventTypeRoutes } from './routes/event-types.js';
import { eventRoutes } from './routes/events.js';
import { healthRoutes } from './routes/health.js';
import { keyRoutes } from './routes/keys.js';
import { lookupRoutes } from './routes/lookup.js';
import { papercupsRoutes } from './routes/papercups.js';
import { portalRoutes } from './routes/portals.js';
import { queueRoutes } from './routes/queues.js';
import { replayRoutes } from './routes/replays.js';
import { settingRoutes } from './routes/settings.js';
import { sessionRoutes } from './routes/sessions.js';
import { signInLinkRoutes } from './routes/sign-in-links.js';
import { streamRoutes } from './routes/stream.js';
import { statsRoutes } from './routes/stats.js';
import { filterTestRoutes } from './routes/filter-test.js';
import { subscriptionActionRoutes } from './routes/subscription-actions.js';
import { subscriptionRoutes } from './routes/subscriptions.js';
import { testEventRoutes } from './routes/test-event.js';
import { waitingRoutes } from './routes/waiting.js';
import { validatorCompiler } from './validate.js';

/** Builds the API as a Fastify application. It does not listen and does not read the environment. */
export async function buildApp(deps: ApiDeps): Promise<App> {
  const basePath = basePathOf(deps);
  const app = fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    requestIdHeader: false,
    trustProxy: trustProxies(deps.trustedProxies),
    bodyLimit: 128 * 1024, // default; some routes raise it
    requestTimeout: 60_000,
    // Requests on open connections are still served while closing.
    return503OnClosing: false,
    rewriteUrl: ({ url = '/' }) => withoutBasePath(url, basePath),
    // No limit of its own, so that every path reaches its route, whose schema says what is wrong with it.
    routerOptions: { maxParamLength: maxHeaderSize },
    // These errors occur before routing, so no hook has run and Papercups' error handler is not called.
    frameworkErrors: (error, request, reply) => {
      void reply.header('x-request-id', request.id);
      secure(reply);
      (request.url.startsWith('/api/') ? handlePapercupsError : handleError)(error, request, reply);
    },
    clientErrorHandler: handleInvalidHttp,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);

  await app.register(unusedConnections);
  await app.register(securityHeaders);
  await app.register(requestLog);
  await app.register(requestMetrics, { metrics: deps.metrics });
  await app.register(noRoute);
  await app.register(jsonBody);
  await app.register(apiKey, deps);
  await app.register(audit, deps);
  await app.register(openapi, { version: deps.version, basePath });

  app.addHook('onSend', (_request, reply, payload, next) => {
    // A kept-alive connection would keep the process running: nothing closes those that become idle after the close.
    if (deps.isDraining()) void reply.header('connection', 'close');
    next(null, payload);
  });

  const exporting = { exporter: openExporter(app) };
  healthRoutes(app, deps);
  accountRoutes(app, deps);
  keyRoutes(app, deps);
  sessionRoutes(app, deps);
  signInLinkRoutes(app, deps);
  portalRoutes(app, deps);
  attentionRoutes(app, deps);
  auditRoutes(app, deps, exporting);
  eventTypeRoutes(app, deps);
  subscriptionRoutes(app, deps);
  subscriptionActionRoutes(app, deps);
  filterTestRoutes(app, deps);
  testEventRoutes(app, deps);
  eventRoutes(app, deps);
  deliveryRoutes(app, deps);
  exportRoutes(app, deps, exporting);
  exportLinkRoutes(app, deps, exporting);
  waitingRoutes(app, deps);
  replayRoutes(app, deps);
  queueRoutes(app, deps);
  settingRoutes(app, deps);
  streamRoutes(app, deps);
  statsRoutes(app, deps);
  lookupRoutes(app, deps);
  papercupsRoutes(app, deps);
  emailRecipientRoutes(app, deps);
  await emailPages(app, deps);
  await app.register(docsPages, { docsDirectory: deps.docsDirectory, publicUrl: deps.publicUrl });
  await app.register(consolePages, deps);
  return app;
}

type ClientErrorHandler = NonNullable<FastifyServerOptions['clientErrorHandler']>;

/** Responds to invalid HTTP and to requests that were not sent in time. Fastify has no request object for them. */
const handleInvalidHttp: ClientErrorHandler = (error, socket) => {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
  const problem = problemOf(
    new ApiError('bad_request', 'The request is not valid HTTP.'),
    randomUUID().replaceAll('-', ''),
  );
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
};
