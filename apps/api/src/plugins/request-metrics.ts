import fp from 'fastify-plugin';
import type { ApiMetrics } from '../metrics.js';

/** Measures every request and counts rejected publish requests. */
export const requestMetrics = fp<{ metrics: ApiMetrics }>((app, { metrics }, done) => {
  app.addHook('onResponse', (request, reply, next) => {
    const { url: route = 'none', schema } = request.routeOptions;
    const labels = { method: request.method, route, status_code: String(reply.statusCode) };
    metrics.httpRequestDuration.observe(labels, reply.elapsedTime / 1000);
    const isPublish = schema?.operationId?.startsWith('events.publish');
    if (isPublish && request.problemCode !== null) metrics.eventsRejected.inc({ code: request.problemCode });
    next();
  });
  done();
});
