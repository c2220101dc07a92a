import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { DEFAULT_KEEP_BYTES, MAX_BODY_BYTES, openSender, type PostRequest, readAddressPolicy } from '@posthorn/sender';
import { ENDLESS_RESPONSES } from './endless-responses.js';
import { forkHere } from './stack.js';

const ROUNDS = 20;

/** What one exchange with an endpoint cost this process, on average over ROUNDS; `readBytes` is the most of any. */
export interface HostileEndpoint {
  endpoint: string;
  exchange: 'delivery' | 'handshake';
  outcome: string;
  cpuMs: number;
  readBytes: number;
}

/** Sends a delivery and a handshake to endpoints that never end their response, each in turn and alone. The endpoints run in a
 *  process of their own. A handshake differs in what it keeps of the body. */
export async function measureHostileEndpoints(): Promise<HostileEndpoint[]> {
  const endpoint = forkHere('./endless-endpoint.js');
  const opened: Socket[] = [];
  const onSocket = (message: unknown) => opened.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', onSocket);
  try {
    const [{ port }] = (await once(endpoint, 'message')) as [{ port: number }];
    const rows: HostileEndpoint[] = [];
    for (const name of Object.keys(ENDLESS_RESPONSES)) {
      const url = `http://127.0.0.1:${port}/?${encodeURIComponent(name)}`;
      for (const exchange of ['delivery', 'handshake'] as const) {
        await measure(url, exchange, opened); // until V8 has compiled it
        rows.push({ endpoint: name, exchange, ...(await measure(url, exchange, opened)) });
      }
    }
    return rows;
  } finally {
    unsubscribe('net.client.socket', onSocket);
    endpoint.kill();
  }
}

async function measure(
  url: string,
  exchange: HostileEndpoint['exchange'],
  opened: Socket[],
): Promise<Pick<HostileEndpoint, 'outcome' | 'cpuMs' | 'readBytes'>> {
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
  let outcome = '';
  for (let round = 0; round < ROUNDS; round++) ({ outcome } = await sender.post(request));
  await sender.close();
  const { user, system } = process.cpuUsage(before);
  return {
    outcome,
    cpuMs: (user + system) / 1_000 / ROUNDS,
    readBytes: Math.max(...opened.map(({ bytesRead }) => bytesRead)),
  };
}
