import { createServer } from 'node:net';

// Below the ports that Linux gives to outgoing connections (32768 and above).
const FIRST_PORT = 20_000;
const SLICES = 40;
const PORTS_PER_SLICE = 300;

let next = Math.floor(Math.random() * PORTS_PER_SLICE);

/** Returns a port of 127.0.0.1 that is free now. It is not reserved, so it may be in use when it is bound. Each process takes its ports in turn
 *  from a slice of its own, so processes that start servers at the same time get different ones. */
export async function findFreePort(): Promise<number> {
  const first = FIRST_PORT + (process.pid % SLICES) * PORTS_PER_SLICE;
  for (let tried = 0; tried < PORTS_PER_SLICE; tried += 1) {
    next = (next + 1) % PORTS_PER_SLICE;
    const port = first + next;
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No port of 127.0.0.1 from ${first} to ${first + PORTS_PER_SLICE - 1} is free.`);
}

/** Whether a server could listen on this port of 127.0.0.1 (or of another address of this machine) now. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
