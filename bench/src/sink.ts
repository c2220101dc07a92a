import { createServer } from 'node:http';

/** The endpoints, in a separate process: each path is an endpoint that responds to handshakes, and with 200 to events. Records the
 *  latency of each event (from `sentAt` in its body), and reports to its parent (`open-sink.ts`). */
interface Seen {
  count: number;
  lastAt: number;
  latenciesMs: number[];
}
const seen = new Map<string, Seen>();

function seenAt(path: string): Seen {
  let found = seen.get(path);
  if (!found) seen.set(path, (found = { count: 0, lastAt: 0, latenciesMs: [] }));
  return found;
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const at = performance.timeOrigin + performance.now();
    const body = Buffer.concat(chunks).toString('utf8');
    const handshake = /^\{"event":"webhook:verify","payload":"(\w+)"\}$/.exec(body);
    if (handshake) {
      response.end(handshake[1]);
      return;
    }
    response.end('ok');
    const here = seenAt(request.url ?? '');
    here.count += 1;
    here.lastAt = at;
    const sentAt = /"sentAt":\s*([\d.]+)/.exec(body)?.[1];
    if (sentAt) here.latenciesMs.push(at - Number(sentAt));
  });
});
server.keepAliveTimeout = 30_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});

process.on('message', ({ id, path, question }: { id: number; path: string; question: string }) => {
  if (question === 'reset') seen.delete(path);
  const { count, lastAt, latenciesMs } = seenAt(path);
  process.send?.({ id, count, lastAt, latenciesMs: question === 'report' ? latenciesMs : [] });
});
process.on('disconnect', () => process.exit(0));
