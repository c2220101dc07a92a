import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** How the server responds, until it is changed.
 *  grant · silent (reads the request, never responds) · or any response */
export type TokenBehaviour =
  | 'grant'
  | 'silent'
  | { status: number; body: string; headers?: Record<string, string> }
  | { expiresIn: unknown };

export interface TokenServer {
  url: string;
  clientId: string;
  clientSecret: string;
  /** The form of each request, with what authenticated it. */
  requests: { form: Record<string, string>; authorization: string | undefined; path: string }[];
  /** Tokens that were granted, in order. */
  tokens: string[];
  respondWith(behaviour: TokenBehaviour): void;
  close(): Promise<void>;
}

/** A token server (RFC 6749, section 4.4) on 127.0.0.1 that checks the client, with HTTP Basic or in the body. */
export async function openTokenServer({
  clientId = 'posthorn',
  clientSecret = 'top secret/+&%',
  tls,
}: { clientId?: string; clientSecret?: string; tls?: { key: string; cert: string } } = {}): Promise<TokenServer> {
  let behaviour: TokenBehaviour = 'grant';
  const sockets = new Set<Socket>();
  const opened: Omit<TokenServer, 'url'> = {
    clientId,
    clientSecret,
    requests: [],
    tokens: [],
    respondWith(next) {
      behaviour = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    const { authorization } = request.headers;
    opened.requests.push({ form, authorization, path: request.url ?? '' });
    if (behaviour === 'silent') return;
    if (typeof behaviour === 'object' && 'status' in behaviour) {
      response.writeHead(behaviour.status, { 'content-type': 'text/html', ...behaviour.headers }).end(behaviour.body);
      return;
    }
    const isKnown = isClient({ form, authorization }, opened);
    if (!isKnown || form['grant_type'] !== 'client_credentials') {
      const error = isKnown ? 'unsupported_grant_type' : 'invalid_client';
      respondJson(response, isKnown ? 400 : 401, { error, error_description: 'The client is not known' });
      return;
    }
    const token = `token-${opened.tokens.length + 1}`;
    opened.tokens.push(token);
    const lifetime = typeof behaviour === 'object' ? behaviour.expiresIn : 3_600;
    respondJson(response, 200, { access_token: token, token_type: 'Bearer', expires_in: lifetime });
  }

  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void handle(request, response).catch(() => response.destroy());
  const server = tls === undefined ? createHttp(listener) : createHttps(tls, listener);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(opened, { url: `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${port}/oauth2/token` });
}

function isClient(
  { form, authorization }: { form: Record<string, string>; authorization: string | undefined },
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
): boolean {
  if (authorization === undefined) return form['client_id'] === clientId && form['client_secret'] === clientSecret;
  const [id = '', secret = ''] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':');
  return decode(id) === clientId && decode(secret) === clientSecret;
}

/** RFC 6749, section 2.3.1: both are form-encoded. */
const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

function respondJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
