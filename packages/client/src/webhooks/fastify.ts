import type { FastifyPluginAsync } from 'fastify';
import type { AnyEvents, EventMap } from '../types.js';
import { MAX_BODY_BYTES, respond, type WebhookOptions } from './respond.js';

/** Makes a plugin with the route of an endpoint: `app.register(handleWebhook({ path: '/webhook', … }))`. Only this route gets its body raw. */
export const handleWebhook =
  <Events extends EventMap<Events> = AnyEvents>({
    path,
    ...options
  }: WebhookOptions<NoInfer<Events>> & { path: string }): FastifyPluginAsync =>
  async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );
    app.post<{ Body: Buffer | undefined }>(path, { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
      const { status, headers, body } = await respond<Events>(request.body ?? '', request.headers, options);
      return reply.code(status).headers(headers).send(body);
    });
  };
