import { expect, it } from 'vitest';
import { findOwnHealthUrl } from './own-health-url.js';

const listeners = {
  apiHost: '0.0.0.0',
  apiPort: 3400,
  workerHealthHost: '::',
  workerHealthPort: 3403,
  boardHost: '::1',
  boardPort: 3401,
};

it.for([
  ['node\0apps/api/dist/server.js\0', 'http://127.0.0.1:3400/readyz'],
  ['node\0apps/worker/dist/main.js\0', 'http://127.0.0.1:3403/livez'],
  ['/sbin/docker-init\0--\0node\0apps/board/dist/main.js\0', 'http://[::1]:3401/livez'],
  ['/sbin/init\0', 'http://127.0.0.1:3400/readyz'],
  ['', 'http://127.0.0.1:3400/readyz'],
] as const)('healthcheck: checks the process of its container: %j', ([command, url]) => {
  expect(findOwnHealthUrl(command, listeners).href).toBe(url);
});
