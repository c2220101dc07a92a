import { createServer } from 'node:http';

/** Endpoints that harm their sender, in a separate process. Each responds to handshakes. Their responses to events:
 *  /hang never · /drip a byte per second · /gigabyte 200 and a gigabyte · /reset cuts the connection · /slow after 10 s ·
 *  /once-failing 500 at the first attempt of every second event, else 200, reported to the parent · /at-once 200, as a good one. */
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const GIGABYTE = 1024 ** 3;
const firstStatus = new Map<string, number>();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const handshake = /^\{"event":"webhook:verify","payload":"(\w+)"\}$/.exec(Buffer.concat(chunks).toString('utf8'));
    if (handshake) response.end(handshake[1]);
    else if (request.url === '/drip') {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 1_000);
      response.on('close', () => clearInterval(timer));
    } else if (request.url === '/gigabyte') {
      response.writeHead(200, { 'content-length': GIGABYTE });
      const more = () => {
        while (!response.destroyed && response.write(CHUNK));
      };
      response.on('drain', more);
      more();
    } else if (request.url === '/reset') response.socket?.resetAndDestroy();
    else if (request.url === '/slow') setTimeout(() => response.end('ok'), 10_000);
    else if (request.url === '/at-once') response.end('ok');
    else if (request.url === '/once-failing') {
      const at = performance.timeOrigin + performance.now();
      const id = String(request.headers['webhook-id']);
      const isRetry = firstStatus.has(id);
      // If all attempts failed, the circuit would open.
      const status = isRetry || firstStatus.size % 2 === 0 ? 200 : 500;
      if (!isRetry) firstStatus.set(id, status);
      response.writeHead(status).end();
      process.send?.({ id, at, isRetry });
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});
process.on('disconnect', () => process.exit(0));
