import type { Server } from 'node:net';
import { Posthorn } from '@posthorn/client';
import { closeOnSignal } from '@posthorn/lifecycle';
import { SettingsError } from '@posthorn/settings';
import pino from 'pino';
import { buildApp } from './app.js';
import { openChat } from './chat.js';
import { readDemoEnv, type DemoEnv } from './env.js';
import { makeFirstDelivery } from './first-delivery.js';
import { openKeyring } from './keyring.js';
import type { Participants } from './papercups-payload.js';

const ACCOUNT = 'demo';

const PARTICIPANTS: Participants = {
  accountId: '11111111-1111-4111-8111-111111111111',
  inboxId: '66666666-6666-4666-8666-666666666666',
  customer: {
    id: '33333333-3333-4333-8333-333333333333',
    name: 'Joe',
    email: 'joe@example.com',
    externalId: 'a1b2c3d4e5',
    createdAt: new Date('2021-02-02T20:35:01Z'),
    updatedAt: new Date('2021-02-24T00:10:43Z'),
  },
  agent: { id: 1, displayName: 'Alex', email: 'alex@example.com', createdAt: new Date('2020-12-03T18:47:37Z') },
};

async function main(env: DemoEnv): Promise<void> {
  const log = pino({ level: env.logLevel, base: { app: 'demo' } });
  const posthorn = new Posthorn({ url: env.apiUrl, apiKey: env.operatorKey });
  let endpointUrl = '';
  const { app, chat, requestLog, setProgress } = buildApp({
    posthorn,
    apiUrl: env.apiUrl,
    findBoardUrl: env.findBoardUrl,
    account: ACCOUNT,
    keyring: openKeyring(posthorn, () => endpointUrl),
    openChat: (onChange) =>
      openChat({ participants: PARTICIPANTS, publish: (event) => posthorn.publish(ACCOUNT, event), onChange }),
    endpointUrl: () => endpointUrl,
    log,
  });
  await app.listen({ host: env.host, port: env.port });
  const url = urlOf(app.server.address());
  endpointUrl = `${url}/webhook`;
  log.info({ url, endpointUrl }, 'demo.listening');
  if (!/^(127\.|::1$|localhost$)/.test(env.host)) log.warn({ host: env.host }, 'demo.open_to_others');

  const stop = new AbortController();
  const firstDelivery = makeFirstDelivery({
    posthorn,
    account: ACCOUNT,
    endpointUrl,
    chat,
    requestLog,
    onProgress: setProgress,
    signal: stop.signal,
    log,
  });
  closeOnSignal({
    timeoutMs: env.shutdownTimeoutMs,
    log,
    close: async () => {
      stop.abort();
      await Promise.all([app.close(), firstDelivery]);
    },
  });
  await firstDelivery;
}

/** A wildcard address can be listened on, but not called. */
function urlOf(address: ReturnType<Server['address']>): string {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const host = ['0.0.0.0', '::'].includes(address.address) ? '127.0.0.1' : address.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

try {
  await main(readDemoEnv(process.env));
} catch (error) {
  const text = error instanceof Error && !(error instanceof SettingsError) ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
