import type { AnyEvents, EventMap } from '../types.js';
import { MAX_BODY_BYTES, type Reply, replyOf, respond, TOO_LARGE, type WebhookOptions } from './respond.js';

/** What is used of Node's request, and of Express': `body` if a parser ran before. */
interface IncomingRequest extends AsyncIterable<Uint8Array> {
  headers: Record<string, string | string[] | undefined>;
  readableEnded: boolean;
  body?: unknown;
}

interface OutgoingResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
}

/** Makes a handler for Express, Connect, Next's pages and Node's own server: `app.post('/webhook', handleWebhook({ … }))`. Register it before
 *  `express.json()`, or use `express.raw({ type: 'application/json' })` for it: the signature covers the raw body. */
export const handleWebhook =
  <Events extends EventMap<Events> = AnyEvents>(options: WebhookOptions<NoInfer<Events>>) =>
  async (request: IncomingRequest, response: OutgoingResponse, next?: (error: unknown) => void): Promise<void> => {
    try {
      const body = await readRawBody(request);
      const reply = body === null ? TOO_LARGE : await respond<Events>(body, request.headers, options);
      send(response, reply);
    } catch (error) {
      if (next) return next(error);
      console.error(error); // outside of Express, nothing else logs it
      send(response, replyOf(500, 'The endpoint failed. Its log has the error.'));
    }
  };

function send(response: OutgoingResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers);
  response.end(body);
}

/** Returns null if it is too large. */
async function readRawBody(request: IncomingRequest): Promise<string | Uint8Array | null> {
  if (typeof request.body === 'string' || request.body instanceof Uint8Array) return request.body;
  if (request.readableEnded)
    throw new TypeError(
      'A body parser has read the body, so its signature cannot be checked. Express: register handleWebhook before express.json(), or add ' +
        "express.raw({ type: 'application/json' }) before it. Next: export const config = { api: { bodyParser: false } }.",
    );
  if (Number(request.headers['content-length']) > MAX_BODY_BYTES) return null;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
