import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { choosePorts, type PortRequest } from './choose-ports.js';

test('picks a different free port for each 0, and keeps a given port', async () => {
  const asked = await choosePorts({ api: request('API_PORT', 0), board: request('BOARD_PORT', 0) });
  expect(asked.api).not.toBe(asked.board);
  expect(await choosePorts({ api: request('API_PORT', asked.api) })).toEqual({ api: asked.api });
});

test('reports a port in use with its number and the variable to change', async () => {
  const stranger = createServer().listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const { port } = stranger.address() as { port: number };
  await expect(choosePorts({ demo: request('DEMO_PORT', port) })).rejects.toThrow(
    `Port ${port} is in use: set DEMO_PORT to another one, or to 0 for any free port.`,
  );
  stranger.close();
});

test('reports a port that two variables share', async () => {
  const { api: port } = await choosePorts({ api: request('API_PORT', 0) });
  await expect(choosePorts({ api: request('API_PORT', port), board: request('BOARD_PORT', port) })).rejects.toThrow(
    `BOARD_PORT and API_PORT are both ${port}: change one of them.`,
  );
});

function request(variable: string, port: number): PortRequest {
  return { variable, host: '127.0.0.1', port };
}
