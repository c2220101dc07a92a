import type { AnyEvents, EventMap } from '../types.js';
import { readBody } from './read-body.js';
import { type Reply, replyOf, respond, TOO_LARGE, type WebhookOptions } from './respond.js';

/** Makes a function from Request to Response: for Next, Deno, Bun, Cloudflare Workers and others. */
export function handleWebhook<Events extends EventMap<Events> = AnyEvents>(
  options: WebhookOptions<NoInfer<Events>>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method !== 'POST') return toResponse(replyOf(405, 'This is a webhook: use POST.'), { allow: 'POST' });
    const body = await readBody(request);
    return toResponse(body === null ? TOO_LARGE : await respond<Events>(body, request.headers, options));
  };
}

export const toResponse = ({ status, headers, body }: Reply, more: Record<string, string> = {}): Response =>
  new Response(status === 204 ? null : body, { status, headers: { ...headers, ...more } });
