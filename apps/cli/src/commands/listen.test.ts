import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type Endpoint, openEndpoint } from '@posthorn/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Api } from '../api/open-api.js';
import { openTerminal } from '../output/terminal.js';
import { listen } from './listen.js';

let endpoint: Endpoint;
let folder: string;
beforeEach(async () => {
  endpoint = await openEndpoint();
  folder = mkdtempSync(join(tmpdir(), 'posthorn-listen-'));
  vi.stubEnv('XDG_CONFIG_HOME', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  await endpoint.close();
});

/** Only what `listen` calls: these events, then the end. */
async function* follow(_account: string, { onOpen }: { onOpen?: () => void } = {}) {
  onOpen?.();
  for (const id of ['evt_1', 'evt_2']) {
    yield await Promise.resolve({ type: 'event', event: { id, event: 'message:created', body: '{}' } });
  }
}

it('regression: a request that cannot be sent is reported, and ends neither the process nor the next one', async () => {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const api = {
    account: () => Promise.resolve('acme'),
    connection: { url: new URL('http://127.0.0.1'), apiKey: 'k', account: 'acme', source: 'test' },
    client: { events: { follow } },
  } as unknown as Api;
  const terminal = openTerminal({ isJson: false, hasColour: false, out, err });
  // The parser of --header refuses it.
  const options = { forward: endpoint.url, header: { 'x-team': '€' } };
  await listen({ api, args: [], options, terminal });
  const notes = String(err.read());
  for (const what of ['The handshake', 'Forwarding evt_1', 'Forwarding evt_2']) {
    expect(notes).toMatch(new RegExp(`^${what} failed: .+`, 'm'));
  }
  expect(out.read()).toBeNull();
});
