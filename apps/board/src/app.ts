import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Producer } from '@posthorn/jobs';
import { shareResult, trustProxies } from '@posthorn/lifecycle';
import { addJobSearch } from './job-search.js';
import { buildBoard } from './board.js';
import { addLogin } from './login.js';
import { isSameOrigin } from './same-origin.js';
import { addSecurityHeaders } from './security-headers.js';

export type BoardDeps = {
  queues: Producer['queues'];
  checkQueue: Producer['check'];
  isDraining: () => boolean;
  password: string;
  /** Checks the tickets of links that the API makes; null: only the password signs in. */
  operatorKey: string | null;
  readOnly: boolean;
  apiUrl: string | null;
  /** CIDRs of proxies whose `X-Forwarded-*` headers are trusted. */
  trustedProxies: readonly string[];
  version: string;
  log: FastifyBaseLogger;
  now: () => number;
};

/** Bull Board behind a login. Only /livez, /readyz and the login itself work without a session. */
export async function buildApp(deps: BoardDeps): Promise<FastifyInstance> {
  const { readOnly, log, trustedProxies } = deps;
  // Bull Board polls every 5 s, so a line per request would flood the log.
  const logController = new LogController({ disableRequestLogging: true });
  const trustProxy = trustProxies(trustedProxies);
  // While the queue is away, Bull Board's requests, one every 5 s, would wait until it returns.
  const app = Fastify({ loggerInstance: log, logController, bodyLimit: 64 * 1024, handlerTimeout: 5000, trustProxy });
  app.addHook('onError', async (request, _reply, error) => {
    if ((error.statusCode ?? 500) >= 500) request.log.error({ err: error }, 'board.request_failed');
  });

  addSecurityHeaders(app);
  addHealth(app, deps);
  const { requireLogin } = await addLogin(app, deps);

  await app.register(async (board) => {
    board.addHook('onRequest', requireLogin);
    board.addHook('onRequest', async (request, reply) => {
      if (request.method === 'GET' || request.method === 'HEAD') return;
      // Bull Board's own read-only mode returns 200 for some changes and ignores them, so refuse each here.
      if (readOnly) return reply.code(405).send({ error: 'This board is read-only (BOARD_READ_ONLY).' });
      if (!isSameOrigin(request)) return reply.code(403).send({ error: 'Only this board’s own pages may do that.' });
      request.log.info({ logType: 'audit', method: request.method, path: request.url }, 'board.changed_queue');
    });
    board.addHook('onSend', async (_request, reply, body) => {
      const isPage = String(reply.getHeader('content-type')).startsWith('text/html');
      return isPage && typeof body === 'string' ? withoutForeignLinks(body) : body;
    });
    await board.register(async (pages) => addJobSearch(pages, deps.queues));
    await board.register(buildBoard(deps));
  });

  app.setNotFoundHandler({ preHandler: requireLogin }, (_request, reply) =>
    reply.code(404).send({ error: 'Not found.' }),
  );
  return app;
}

/** Removes the Google fonts from Bull Board's page. The policy would block them and log an error in the browser. */
const withoutForeignLinks = (html: string): string => html.replace(/<link\b[^>]*\bhref="https?:[^>]*>/g, '');

const PROBE_MAX_AGE_MS = 1_000;

/** Caches the check of the queue for a second, since these routes need no login. */
function addHealth(app: FastifyInstance, { checkQueue, isDraining, version, now }: BoardDeps): void {
  const askQueue = shareResult(checkQueue, { maxAgeMs: PROBE_MAX_AGE_MS, now });
  app.get('/livez', async () => ({ status: 'ok', version, app: 'board' }));
  app.get('/readyz', async (_request, reply) => {
    const queue = await askQueue();
    const status = isDraining() || queue.status === 'fail' ? 'fail' : 'ok';
    return reply
      .code(status === 'ok' ? 200 : 503)
      .send({ status, version, app: 'board', checks: { queue, draining: isDraining() } });
  });
}
