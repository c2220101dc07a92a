import type { FastifyReply } from 'fastify';

/** Server-sent events for all open pages. */
export function openLive() {
  const clients = new Set<FastifyReply>();
  const write = (client: FastifyReply, type: string, data: unknown): void =>
    void client.raw.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  // Proxies and browsers close a stream that is silent for too long.
  const heartbeat = setInterval(() => clients.forEach((client) => client.raw.write(':\n\n')), 15_000);
  heartbeat.unref();

  return {
    send: (type: string, data: unknown): void => clients.forEach((client) => write(client, type, data)),

    /** Takes over the response and sends `first`, so that the page has the whole state after a reconnect. */
    add(reply: FastifyReply, first: { type: string; data: unknown }): void {
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      reply.raw.write('retry: 1000\n\n');
      write(reply, first.type, first.data);
      clients.add(reply);
      reply.raw.once('close', () => clients.delete(reply));
    },

    close(): void {
      clearInterval(heartbeat);
      clients.forEach((client) => client.raw.end());
    },
  };
}
