import { createServer, type Socket } from 'node:net';
import { ENDLESS_RESPONSES } from './endless-responses.js';

/** An endpoint in a separate process: the query of the URL names one of ENDLESS_RESPONSES. Sends its port to the parent. */
const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.once('data', (request: Buffer) => {
    const [, name = ''] = /\?(\S+)/.exec(request.toString('latin1')) ?? [];
    const response = ENDLESS_RESPONSES[decodeURIComponent(name)];
    if (response) respond(socket, response);
  });
  socket.on('data', () => {});
});

function respond(socket: Socket, { start, again, byteByByte }: (typeof ENDLESS_RESPONSES)[string]): void {
  const piece = byteByByte ? again : Buffer.from(again.repeat(Math.ceil(65_536 / again.length)));
  const more = () => {
    if (socket.destroyed) return;
    if (byteByByte) {
      socket.write(piece);
      setImmediate(more);
    } else while (socket.write(piece));
  };
  if (start !== '') socket.write(start);
  if (!byteByByte) socket.on('drain', more);
  more();
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});
process.on('disconnect', () => process.exit(0));
