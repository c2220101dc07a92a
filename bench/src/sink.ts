import { createServer } from 'node:http';

/** The receiver, in a process of its own: answers handshakes and 200, notes how long each event was under way. Tells its
 *  parent what it saw when asked. */
let latenciesMs: number[] = [];
let count = 0;
let lastAt = 0;

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
    count += 1;
    lastAt = at;
    const sentAt = /"sentAt":([\d.]+)/.exec(body)?.[1];
    if (sentAt) latenciesMs.push(at - Number(sentAt));
  });
});
server.keepAliveTimeout = 30_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});

process.on('message', (message) => {
  if (message === 'reset') {
    latenciesMs = [];
    count = 0;
    lastAt = 0;
  }
  process.send?.({
    count,
    stampedCount: latenciesMs.length,
    lastAt,
    latenciesMs: message === 'report' ? latenciesMs : [],
  });
});
process.on('disconnect', () => process.exit(0));
