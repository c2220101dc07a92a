import net, { type Server, type Socket } from 'node:net';
import tls from 'node:tls';

/** An endpoint that works with bytes, so that it can also misbehave below HTTP. */
export type RawEndpoint = {
  port: number;
  url: string;
  /** Complete requests, in the order received. */
  requests: { head: string; headers: Record<string, string>; body: Buffer }[];
  /** How many connections were opened. */
  connections: number;
  sockets: Set<Socket>;
  close(): Promise<void>;
};

export type OnRequest = (socket: Socket, requestNumber: number) => unknown;
export type RawEndpointOptions = { host?: string; tlsOptions?: tls.TlsOptions };

/** Listens on loopback. Calls `onRequest` for each complete request, which writes the response. */
export async function openRawEndpoint(
  onRequest: OnRequest,
  { host = '127.0.0.1', tlsOptions }: RawEndpointOptions = {},
): Promise<RawEndpoint> {
  const onConnection = (socket: Socket) => {
    endpoint.connections++;
    endpoint.sockets.add(socket);
    socket.on('close', () => endpoint.sockets.delete(socket)).on('error', () => {});
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      const headEnd = pending.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = pending.subarray(0, headEnd).toString('latin1');
      const lines = head.split('\r\n').slice(1);
      const headers = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      ) as Record<string, string>;
      const length = Number(headers['content-length']);
      const body = pending.subarray(headEnd + 4, headEnd + 4 + length);
      if (body.length < length) return;
      pending = pending.subarray(headEnd + 4 + length);
      endpoint.requests.push({ head, headers, body });
      onRequest(socket, endpoint.requests.length);
    });
  };
  const server = tlsOptions === undefined ? net.createServer(onConnection) : tls.createServer(tlsOptions, onConnection);
  server.on('tlsClientError', () => {});
  const port = await listen(server, host);
  const endpoint: RawEndpoint = {
    port,
    url: `${tlsOptions === undefined ? 'http' : 'https'}://${host}:${port}/hook`,
    requests: [],
    connections: 0,
    sockets: new Set(),
    close: () =>
      new Promise((resolve) => {
        for (const socket of endpoint.sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return endpoint;
}

/** Listens on a free port and returns it. */
export async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port');
  return address.port;
}

/** A response as bytes, with a content-length unless the headers have one. */
export function responseBytes(
  status: number,
  body: string | Buffer = '',
  headers: Record<string, string> = {},
): Buffer {
  const bytes = Buffer.from(body);
  const all = { 'content-length': String(bytes.length), ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Some Reason\r\n${head.join('')}\r\n`, 'latin1'), bytes]);
}
