import { readFileSync } from 'node:fs';
import { type Posthorn, PosthornError } from '@posthorn/client';
import { TOKENS_CSS } from '@posthorn/tokens';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Chat, ChatView } from './chat.js';
import type { Progress } from './first-delivery.js';
import type { Keyring } from './keyring.js';
import { openLive } from './live.js';
import { RESPONSE_MODES, type ResponseMode } from './endpoint.js';
import { openRequestLog } from './request-log.js';
import { addEndpoint } from './endpoint-route.js';
import { activateSubscription } from './subscription.js';

export type DemoDeps = {
  posthorn: Posthorn;
  apiUrl: string;
  findBoardUrl: () => string | null;
  account: string;
  keyring: Keyring;
  openChat: (onChange: (view: ChatView) => void) => Chat;
  /** Known once the server listens. */
  endpointUrl: () => string;
  log: FastifyBaseLogger;
};

const PAGE = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/times.js', 'times.js', 'text/javascript; charset=utf-8'],
  ['/horn.svg', 'horn.svg', 'image/svg+xml'],
] as const;

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The demo's web server: the page, its API, and the endpoint at /webhook. */
export function buildApp(deps: DemoDeps) {
  const { posthorn, apiUrl, findBoardUrl, account, endpointUrl, log } = deps;
  const app = Fastify({ loggerInstance: log, logController: new LogController({ disableRequestLogging: true }) });
  const live = openLive();
  const chat = deps.openChat((view) => live.send('chat', view));
  const requestLog = openRequestLog((received) => live.send('received', received));
  let mode: ResponseMode = 'normal';
  let progress: Progress = { step: 'connecting', problem: null, delivered: null };

  const readPayload = openPayloads(posthorn, account);
  guard(app);
  addEndpoint(app, { keyring: deps.keyring, requestLog, mode: () => mode });
  addPage(app);
  addChat(app, chat);
  addErrorHandler(app, log);

  app.get('/status.json', async () => {
    const { step, delivered, problem } = progress;
    return { ready: step === 'ready', delivered, problem };
  });

  app.get('/stream', (_request, reply) => {
    const links = {
      account: `${apiUrl}/accounts/${encodeURIComponent(account)}`,
      docs: `${apiUrl}/docs`,
      board: findBoardUrl(),
    };
    const received = requestLog.entries();
    const data = { links, endpointUrl: endpointUrl(), mode, progress, chat: chat.view(), received };
    live.add(reply, { type: 'everything', data });
  });

  app.get('/deliveries.json', async () => {
    const subscriptions = await posthorn.subscriptions.list(account, { limit: 100 }).take(100);
    const subscription = subscriptions.find(({ url, pendingUrl }) => [url, pendingUrl].includes(endpointUrl())) ?? null;
    if (subscription === null) return { subscription, deliveries: [] };
    const latest = await posthorn.deliveries.list(account, { subscription: subscription.id, limit: 8 }).take(8);
    const deliveries = await Promise.all(
      latest.map(async ({ id, eventId }) => ({
        ...(await posthorn.deliveries.get(account, id)),
        payload: await readPayload(eventId),
      })),
    );
    return { subscription, deliveries };
  });

  app.put<{ Body: { mode: ResponseMode } }>(
    '/endpoint/mode',
    { schema: { body: objectOf({ mode: { enum: RESPONSE_MODES } }) } },
    async ({ body }) => {
      mode = body.mode;
      live.send('mode', mode);
      return { mode };
    },
  );

  app.post<{ Params: { id: string } }>('/deliveries/:id/retry', async ({ params }) =>
    posthorn.deliveries.retry(account, params.id),
  );
  app.post('/subscription/activate', async () =>
    activateSubscription({ posthorn, account, endpointUrl: endpointUrl(), signal: AbortSignal.timeout(20_000) }),
  );

  app.addHook('preClose', async () => live.close());

  return {
    app,
    chat,
    requestLog,
    setProgress: (next: Progress): void => {
      progress = next;
      live.send('progress', next);
    },
  };
}

function addPage(app: FastifyInstance): void {
  for (const [path, file, type] of PAGE) {
    const content = readFileSync(new URL(`../page/${file}`, import.meta.url));
    app.get(path, async (_request, reply) => reply.type(type).send(content));
  }
  app.get('/tokens.css', async (_request, reply) => reply.type('text/css; charset=utf-8').send(TOKENS_CSS));
}

function addChat(app: FastifyInstance, chat: Chat): void {
  app.post<{ Body: { author: 'customer' | 'agent'; text: string } }>(
    '/chat/messages',
    {
      schema: {
        body: objectOf({
          author: { enum: ['customer', 'agent'] },
          text: { type: 'string', minLength: 1, maxLength: 4000 },
        }),
      },
    },
    async ({ body }) => chat.say(body.author, body.text),
  );
  app.post('/chat/close', async () => ({ closed: await chat.close() }));
  app.post<{ Params: { id: string } }>('/chat/lines/:id/retry', async ({ params }, reply) => {
    const line = await chat.retry(params.id);
    return line ?? reply.code(404).send({ problem: 'This message is no longer stored.' });
  });
}

function addErrorHandler(app: FastifyInstance, log: FastifyBaseLogger): void {
  app.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => {
    if (error instanceof PosthornError) return reply.code(502).send({ problem: error.message });
    if (error.name === 'TimeoutError')
      return reply.code(504).send({ problem: 'This takes longer than 20 s. Is a worker running?' });
    const statusCode = error.statusCode ?? 500;
    if (statusCode >= 500) log.error({ err: error }, 'demo.request_failed');
    return reply
      .code(statusCode)
      .send({ problem: statusCode >= 500 ? 'The demo failed. See its log.' : error.message });
  });
}

/** Reads payloads of events, each once, because events never change. */
function openPayloads(posthorn: Posthorn, account: string) {
  const read = async (id: string) => (await posthorn.events.get(account, id)).payload;
  const known = new Map<string, Awaited<ReturnType<typeof read>>>();
  return async (eventId: string) => {
    const payload = known.get(eventId) ?? (await read(eventId));
    known.delete(eventId);
    known.set(eventId, payload);
    if (known.size > MAX_PAYLOADS) for (const [oldest] of known) return (known.delete(oldest), payload);
    return payload;
  };
}

const MAX_PAYLOADS = 100;

/** The demo uses the operator key and has no login, so it accepts only requests from its own pages. While it listens on loopback, it
 *  accepts only loopback host names, because a foreign name that resolves to 127.0.0.1 is an attack. */
function guard(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': CSP,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    if (request.url === '/webhook') return;
    const host = request.headers.host ?? '';
    const isLoopback = /^(::1|(::ffff:)?127\..*)$/.test(request.socket.localAddress ?? '');
    if (isLoopback && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host)) {
      return reply.code(403).send({ problem: 'Open the demo at 127.0.0.1 or localhost.' });
    }
    if (request.method === 'GET' || request.method === 'HEAD') return;
    const { origin } = request.headers;
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
      return reply.code(403).send({ problem: 'Only the demo’s own page can do this.' });
    }
  });
}

const objectOf = (properties: Record<string, object>) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
});
