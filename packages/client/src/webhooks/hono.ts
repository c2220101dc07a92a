import type { AnyEvents, EventMap } from '../types.js';
import { toResponse } from './fetch.js';
import { respond, type WebhookOptions } from './respond.js';

/** What is used of Hono's context. */
interface Context {
  req: { arrayBuffer(): Promise<ArrayBuffer>; raw: { headers: Headers } };
}

/** Makes a handler: `app.post('/webhook', handleWebhook({ … }))`. */
export const handleWebhook =
  <Events extends EventMap<Events> = AnyEvents>(options: WebhookOptions<NoInfer<Events>>) =>
  async ({ req }: Context): Promise<Response> =>
    toResponse(await respond<Events>(await req.arrayBuffer(), req.raw.headers, options));
