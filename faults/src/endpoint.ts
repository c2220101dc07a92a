import { createServer } from 'node:http';

/** The endpoints, in a separate process, so that their ledger of every request survives the faults.
 *  /healthy returns 200 after 50 ms, /slow 200 after two seconds, /failing 500. */
const RESPONDS_AFTER_MS: Record<string, number> = { '/healthy': 50, '/slow': 2_000 };

/** A request that a correct endpoint would process. */
export interface Seen {
  path: string;
  /** The event's id. */
  id: string;
  at: number;
  /** When its response or its connection ended; null while it is open. */
  doneAt: number | null;
}

const seen: Seen[] = [];

const server = createServer((request, response) => {
  const path = request.url ?? '';
  const respondsAfterMs = RESPONDS_AFTER_MS[path];
  const id = String(request.headers['webhook-id']);
  const at = Date.now();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const [, challenge] = /^\{"event":"webhook:verify","payload":"(\w+)"\}$/.exec(chunks.join('')) ?? [];
    if (challenge) return void response.end(challenge);
    if (respondsAfterMs === undefined) return void response.writeHead(500).end('no');
    const one: Seen = { path, id, at, doneAt: null };
    seen.push(one);
    setTimeout(() => response.end('ok'), respondsAfterMs);
    response.once('close', () => void (one.doneAt = Date.now()));
  });
});
server.keepAliveTimeout = 30_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});

/** A message with a number requests the ledger from that request on. */
process.on('message', (from) => process.send?.(seen.slice(Number(from))));
process.on('disconnect', () => process.exit(0));
