import { createServer } from 'node:http';

/** The receiver, in a process of its own: its ledger of every request outlives whatever is killed beside it.
 *  /healthy answers 200 after a moment, /failing 500, /slow 200 after two seconds. */
const HEALTHY_MS = 50;
const SLOW_MS = 2_000;
/** A result takes about this long from the answer into the ledger: what was answered so lately may not be recorded yet. */
const RECORDED_WITHIN_MS = 300;

interface Seen {
  /** The event's id. */
  id: string;
  at: number;
}
const seen: Seen[] = [];
let open = 0;
const answeredAt: number[] = [];

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('utf8');
    const handshake = /^\{"event":"webhook:verify","payload":"(\w+)"\}$/.exec(body);
    if (handshake) {
      response.end(handshake[1]);
      return;
    }
    if (request.url !== '/healthy') {
      if (request.url === '/slow') setTimeout(() => response.end('ok'), SLOW_MS);
      else response.writeHead(500).end('no');
      return;
    }
    seen.push({ id: String(request.headers['webhook-id']), at: Date.now() });
    open += 1;
    setTimeout(() => response.end('ok'), HEALTHY_MS);
    response.once('close', () => {
      open -= 1;
      answeredAt.push(Date.now());
    });
  });
});
server.keepAliveTimeout = 30_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});

process.on('message', (question) => {
  const since = Date.now() - RECORDED_WITHIN_MS;
  const inFlight = open + answeredAt.filter((at) => at >= since).length;
  process.send?.({ inFlight, count: seen.length, seen: question === 'ledger' ? seen : [] });
});
process.on('disconnect', () => process.exit(0));
