import type { AnyEvents, EventMap } from '../types.js';
import { toResponse } from './fetch.js';
import { readBody } from './read-body.js';
import { respond, TOO_LARGE, type WebhookOptions } from './respond.js';

/** What is used of Hono's context. */
interface Context {
  req: { arrayBuffer(): Promise<ArrayBuffer>; raw: Request };
}

/** Makes a handler: `app.post('/webhook', handleWebhook({ … }))`. */
export const handleWebhook =
  <Events extends EventMap<Events> = AnyEvents>(options: WebhookOptions<NoInfer<Events>>) =>
  async ({ req }: Context): Promise<Response> => {
    // Hono keeps a body that a middleware has read.
    const body = req.raw.bodyUsed ? await req.arrayBuffer() : await readBody(req.raw);
    return toResponse(body === null ? TOO_LARGE : await respond<Events>(body, req.raw.headers, options));
  };
