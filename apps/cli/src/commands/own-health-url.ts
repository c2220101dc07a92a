interface Listeners {
  apiHost: string;
  apiPort: number;
  workerHealthHost: string;
  workerHealthPort: number;
  boardHost: string;
  boardPort: number;
}

/** Returns the health check of what a container runs: `/livez` of a worker or of Bull Board, otherwise `/readyz` of the API. A worker that
 *  cannot reach Postgres is not ready, but a restart would not help, so its health is `/livez`. */
export function findOwnHealthUrl(command: string, listeners: Listeners): URL {
  if (command.includes('apps/worker/')) return toUrl(listeners.workerHealthHost, listeners.workerHealthPort, '/livez');
  if (command.includes('apps/board/')) return toUrl(listeners.boardHost, listeners.boardPort, '/livez');
  return toUrl(listeners.apiHost, listeners.apiPort, '/readyz');
}

function toUrl(host: string, port: number, path: string): URL {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return new URL(`http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}${path}`);
}
