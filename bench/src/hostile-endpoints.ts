import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { DEFAULT_KEEP_BYTES, MAX_BODY_BYTES, openSender, type PostRequest, readAddressPolicy } from '@posthorn/sender';
import { ENDLESS_RESPONSES } from './endless-responses.js';
import { forkHere } from './fork-here.js';
import type { Case, Metrics, Tools } from './scenario.js';

const EXCHANGES = 20;

export const ENDPOINT_CASES = Object.keys(ENDLESS_RESPONSES).flatMap((name) =>
  (['delivery', 'handshake'] as const).map((exchange) => ({ request: `endless ${name}, ${exchange}`, name, exchange })),
);

/** Sends deliveries and handshakes to endpoints that never end their response, one at a time. The endpoints run in a separate process,
 *  the sender in this one. A handshake keeps another part of the body. */
export async function openEndpointCases({ closeLater }: Tools): Promise<Case[]> {
  const endpoint = forkHere('./endless-endpoint.js');
  const opened: Socket[] = [];
  const onSocket = (message: unknown) => opened.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', onSocket);
  closeLater(() => {
    unsubscribe('net.client.socket', onSocket);
    endpoint.kill();
  });
  const [{ port }] = (await once(endpoint, 'message')) as [{ port: number }];
  return ENDPOINT_CASES.map(({ request, name, exchange }) => {
    const run = () => measure(`http://127.0.0.1:${port}/?${encodeURIComponent(name)}`, exchange, opened);
    return { name: request, warmUp: run, measure: run };
  });
}

/** The average cost of an exchange for this process; `readKib` is the maximum. */
async function measure(url: string, exchange: 'delivery' | 'handshake', opened: Socket[]): Promise<Metrics> {
  const sender = openSender({
    policy: readAddressPolicy({
      allowPrivateNetworks: '127.0.0.1',
      denyNetworks: '',
      requireHttps: false,
      publicUrl: null,
    }),
    userAgent: 'Posthorn/bench',
  });
  const request: PostRequest = {
    url,
    webhookId: 'msg_bench',
    body: Buffer.from(`{"event":"webhook:verify","payload":"${'A'.repeat(64)}"}`),
    secrets: [`whsec_${Buffer.alloc(32).toString('base64')}`],
    headers: {},
    timeoutMs: 15_000,
    keepBytes: exchange === 'delivery' ? DEFAULT_KEEP_BYTES : MAX_BODY_BYTES,
  };
  opened.length = 0;
  const before = process.cpuUsage();
  for (let count = 0; count < EXCHANGES; count += 1) await sender.post(request);
  await sender.close();
  const { user, system } = process.cpuUsage(before);
  return {
    cpuMs: (user + system) / 1_000 / EXCHANGES,
    readKib: Math.max(...opened.map(({ bytesRead }) => bytesRead)) / 1_024,
  };
}
