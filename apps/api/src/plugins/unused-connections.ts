import type { Socket } from 'node:net';
import fp from 'fastify-plugin';

/** Closes, when the API does, connections that were opened and never used. Browsers and HTTP clients keep spare ones, and
 *  Node takes such a one for busy until its headers are overdue: the close would wait a minute for it. */
export const unusedConnections = fp((app, _options, done) => {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));
  app.addHook('preClose', async () => {
    // What was sent but not read yet is a request all the same.
    for (const socket of unused) if (socket.bytesRead === 0) socket.destroy();
  });
  done();
});
