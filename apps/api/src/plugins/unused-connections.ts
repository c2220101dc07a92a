import type { Socket } from 'node:net';
import fp from 'fastify-plugin';

/** Closes unused connections when the API closes. Browsers and HTTP clients open spare ones, and Node treats them as busy until
 *  their headers time out, so closing would wait a minute. */
export const unusedConnections = fp((app, _options, done) => {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));
  app.addHook('preClose', async () => {
    // A connection with received bytes has a request.
    for (const socket of unused) if (socket.bytesRead === 0) socket.destroy();
  });
  done();
});
