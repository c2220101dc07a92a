import { createServer } from 'node:http';

/** The receiver, in a process of its own: its ledger of every request outlives whatever is killed beside it.
 *  /healthy answers 200 after a moment, /slow 200 after two seconds, /failing 500. */
const ANSWERS_AFTER_MS: Record<string, number> = { '/healthy': 50, '/slow': 2_000 };

/** A request that a receiver with manners would have acted upon. */
export interface Seen {
  path: string;
  /** The event's id. */
  id: string;
  at: number;
  /** When it was answered, or its connection ended; null while it is open. */
  doneAt: number | null;
}

const seen: Seen[] = [];

const server = createServer((request, response) => {
  const path = request.url ?? '';
  const answersAfterMs = ANSWERS_AFTER_MS[path];
  const id = String(request.headers['webhook-id']);
  const at = Date.now();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const [, challenge] = /^\{"event":"webhook:verify","payload":"(\w+)"\}$/.exec(chunks.join('')) ?? [];
    if (challenge) return void response.end(challenge);
    if (answersAfterMs === undefined) return void response.writeHead(500).end('no');
    const one: Seen = { path, id, at, doneAt: null };
    seen.push(one);
    setTimeout(() => response.end('ok'), answersAfterMs);
    response.once('close', () => void (one.doneAt = Date.now()));
  });
});
server.keepAliveTimeout = 30_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});

/** Asked with a number, it answers what it has seen since its so-manieth request. */
process.on('message', (from) => process.send?.(seen.slice(Number(from))));
process.on('disconnect', () => process.exit(0));
