/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { createServer } from 'node:https';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate, openEndpoint, type Endpoint } from '@posthorn/testing';
import type { Locator } from 'playwright-core';
import { describe, expect, inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';

const TRUSTED = makeCertificate();

/** A stack with a timeout of two seconds and one trusted certificate. Its worker allows fewer addresses than its API, as after an operator
 *  has forbidden a network. */
const it = base.extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-trusted-'));
  const trusted = join(folder, 'certificate.pem');
  writeFileSync(trusted, TRUSTED.cert);
  const stack = await startStack({
    backend: inject('queueBackends')[0] ?? 'postgres',
    workers: 0,
    env: { DELIVERY_TIMEOUT_MS: '2000', NODE_EXTRA_CA_CERTS: trusted },
  });
  onCleanup(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true });
  });
  await stack.startWorker({ ALLOW_PRIVATE_NETWORKS: '127.0.0.1/32,::1,localhost' });
  return stack;
});

/** An endpoint that fails, and its fix. */
interface Broken {
  url: string;
  /** Fixes the endpoint, or fills in a working URL. */
  fix: (field: Locator) => unknown;
  close?: () => unknown;
}
const respondingWith = (scripted: Parameters<Endpoint['respondToHandshakeWith']>[0]) => (endpoint: Endpoint) => {
  endpoint.respondToHandshakeWith(scripted);
  return {
    url: endpoint.url,
    fix: () => endpoint.respondToHandshakeWith(({ challenge }) => ({ body: challenge ?? '' })),
  };
};
const at = (url: string) => (endpoint: Endpoint) => ({ url, fix: (field: Locator) => field.fill(endpoint.url) });

const FAULTS: [
  reason: string,
  title: string,
  advice: string,
  breakIt: (endpoint: Endpoint) => Broken | Promise<Broken>,
][] = [
  ['mismatch', 'Unexpected response body', 'return only the payload', respondingWith({ body: '{"ok":true}' })],
  ['empty', 'Empty response body', 'return the payload as the body', respondingWith(204)],
  ['status', 'Endpoint returned 404 (expected 2xx)', 'Correct the path in the URL', respondingWith(404)],
  ['too_large', 'Response too large', 'Check the path', respondingWith({ body: 'x'.repeat(70_000) })],
  [
    'redirect',
    'Endpoint redirects',
    'use the final URL',
    respondingWith({ status: 301, headers: { location: 'https://www.example.com/' } }),
  ],
  ['timeout', 'No complete response within 2 s', 'Respond first, then process the event', respondingWith('never')],
  ['dns_error', 'Could not resolve nobody.invalid', 'Check the URL', at('http://nobody.invalid/webhook')],
  [
    'blocked',
    'This address is not allowed',
    'Use one that is reachable from the internet',
    at('http://127.0.0.2:8080/webhook'),
  ],
  ['connect_error', 'Could not connect to 127.0.0.1', 'Check that the server is running', refusing],
  [
    'tls_error',
    'No secure connection to localhost',
    'self-signed (DEPTH_ZERO_SELF_SIGNED_CERT). Install one',
    selfSigned,
  ],
];

async function refusing(): Promise<Broken> {
  const gone = await openEndpoint();
  await gone.close();
  let back: Endpoint | undefined;
  return {
    url: gone.url,
    fix: async () => (back = await openEndpoint({ port: Number(new URL(gone.url).port) })),
    close: () => back?.close(),
  };
}

async function selfSigned(): Promise<Broken> {
  const server = createServer(makeCertificate(), (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => response.end((JSON.parse(body) as { payload: string }).payload));
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/webhook`,
    fix: () => server.setSecureContext(TRUSTED),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** Posthorn attempts an unreachable endpoint three times within 12 s, so these tests run concurrently, each with its own page. */
const isReached = ([reason]: (typeof FAULTS)[number]) => !/_error$|^(blocked|timeout)$/.test(reason);

describe.skipIf(inject('browserPath') === null).for([
  { name: 'response', faults: FAULTS.filter(isReached), concurrent: false },
  { name: 'no response', faults: FAULTS.filter((fault) => !isReached(fault)), concurrent: true },
])('a failed verification, $name', ({ faults, concurrent }) => {
  it.for(faults)(
    'the reason %s is shown beside the URL with its fix; after the fix, one click verifies it (C2)',
    { concurrent },
    async ([, title, advice, breakIt], { page, endpoint, signIn, newAccount, save, button, onTestFinished }) => {
      const { url, fix, close } = await breakIt(endpoint);
      onTestFinished(() => void close?.());
      await signIn(`/accounts/${await newAccount()}/integrations`);
      await save(url);
      const alert = page.getByRole('dialog').getByRole('alert').filter({ hasText: title });
      await alert.getByText(advice).waitFor();
      await page.getByText('Example endpoint').waitFor();
      const field = page.getByRole('textbox', { name: 'Webhook URL' });
      await fix(field);
      const isOtherUrl = (await field.inputValue()) !== url;
      await button(isOtherUrl ? 'Save' : 'Try again').click();
      await page.getByRole('dialog').getByText('Verified!', { exact: true }).waitFor();
      await button('Done').click();
      await page.getByRole('cell', { name: 'Active' }).waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    },
  );
});
