import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BROWSER_ARGS, makeScratchFolder, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { type Browser, chromium } from 'playwright-core';
import { findings } from './console/findings.js';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { blocksFor } from './docs-blocks.js';

const WAIT_MS = 120_000; // only reached if the condition never becomes true

interface LocalFile {
  apiUrl: string;
  boardUrl: string;
  demoUrl: string;
  operatorKey: string;
  databaseUrl: string;
  queueBackend: string;
}

/** The main use as a person sees it: the local stack, a browser, a message typed into the demo chat. */
describe.skipIf(inject('browserPath') === null)('the demo', () => {
  const [backend = 'postgres'] = inject('queueBackends');
  const folder = makeScratchFolder();
  const dataDir = join(folder, '.posthorn');
  let said = '';
  let stack: ReturnType<typeof spawn>;
  let local: LocalFile;
  let browser: Browser;

  beforeAll(async () => {
    const main = fileURLToPath(new URL('../apps/cli/dist/main.js', import.meta.url));
    const env = {
      ...process.env,
      POSTHORN_DATA_DIR: dataDir,
      QUEUE_BACKEND: backend,
      API_PORT: '0',
      BOARD_PORT: '0',
      DEMO_PORT: '0',
      RETRY_SCHEDULE_SECONDS: '1,1,1',
    };
    stack = spawn(process.execPath, [main, 'dev'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [stack.stdout, stack.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
    await waitFor(() => said.includes('signature valid'), { what: 'the first delivery' });
    local = JSON.parse(readFileSync(join(dataDir, 'local.json'), 'utf8')) as LocalFile;
    browser = await chromium.launch({
      executablePath: inject('browserPath') ?? '',
      args: BROWSER_ARGS,
    });
  });
  afterAll(async () => {
    await browser?.close();
    stack.kill('SIGTERM');
    await once(stack, 'exit');
    rmSync(folder, { recursive: true, force: true });
  });

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(local.apiUrl + path, { headers: { authorization: `Bearer ${local.operatorKey}` } });
    return (await response.json()) as T;
  };

  it('delivers a message typed into the chat with a valid signature; API, Postgres and Bull Board show it', async () => {
    expect(local.queueBackend).toBe(backend);
    const page = await browser.newPage();
    page.setDefaultTimeout(WAIT_MS);
    await page.goto(local.demoUrl);
    await page.locator('#chat-text').fill('Typed by a person, in a browser');
    await page.keyboard.press('Enter');
    await page.getByText('Typed by a person, in a browser', { exact: true }).waitFor();

    const { data: events } = await waitFor(async () => {
      const list = await get<{ data: { id: string; event: string }[] }>('/v1/accounts/demo/events');
      return list.data.filter(({ event }) => event === 'message:created').length >= 2 && list;
    });
    const bodies = await Promise.all(
      events.map(({ id }) => get<{ id: string; payload: { body?: string } }>(`/v1/accounts/demo/events/${id}`)),
    );
    const typed = bodies.find(({ payload }) => payload.body === 'Typed by a person, in a browser');
    const row = page.locator('#received > *').filter({ hasText: typed?.id ?? 'none' });
    await row.getByText('signature valid').waitFor();
    await row.getByText(/returned 200/).waitFor();

    const { data: deliveries } = await get<{ data: { id: string }[] }>(
      `/v1/accounts/demo/deliveries?event=${typed?.id}`,
    );
    const delivery = await waitFor(async () => {
      const found = await get<{ id: string; status: string; attempts: object[] }>(
        `/v1/accounts/demo/deliveries/${deliveries[0]?.id}`,
      );
      return found.status === 'succeeded' && found;
    });
    expect(delivery.attempts).toMatchObject([{ number: 1, outcome: 'ok', statusCode: 200 }]);

    // Its event and its delivery lead to the console, and the delivery shows the payload.
    const inConsole = `${local.apiUrl}/accounts/demo`;
    const messages = page.getByRole('list', { name: 'Messages' }).getByRole('listitem');
    const message = messages.filter({ hasText: 'Typed by a person, in a browser' });
    expect(await message.getByRole('link', { name: 'message:created' }).getAttribute('href')).toBe(
      `${inConsole}/events/${typed?.id}`,
    );
    const delivered = page.locator('.delivery').filter({ hasText: delivery.id });
    expect(await delivered.getByRole('link', { name: delivery.id }).getAttribute('href')).toBe(
      `${inConsole}/deliveries/${delivery.id}`,
    );
    // The page replaces the row once more when it learns this.
    await delivered.getByText('succeeded', { exact: true }).waitFor();
    await delivered.getByText('Payload', { exact: true }).click();
    await delivered.getByText('"body": "Typed by a person, in a browser"').waitFor();
    expect(await page.getByRole('link', { name: 'Console' }).getAttribute('href')).toBe(`${inConsole}/integrations`);
    expect(await page.getByText(/subscription/i).count()).toBe(0);
    expect(await findings(page)).toEqual([]);

    const client = new pg.Client({ connectionString: local.databaseUrl });
    await client.connect();
    const { rows } = await client.query(
      `SELECT d.status, a.outcome FROM deliveries d JOIN attempts a ON a.delivery_id = d.id JOIN events e ON e.id = d.event_id
       WHERE convert_from(e.body, 'utf8') LIKE '%Typed by a person%' AND e.type = 'message:created'`,
    );
    await client.end();
    expect(rows).toEqual([{ status: 'succeeded', outcome: 'ok' }]);

    await page.goto(local.boardUrl);
    await page.locator('input[type=password]').fill(local.operatorKey);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => !url.pathname.includes('login'));
    await page.goto(`${local.boardUrl}/queue/deliver?status=completed`);
    await page.getByText(`${delivery.id}-1`).first().waitFor();
    await page.close();
  });

  it('shows retries while set to Fail, and succeeds after the switch back', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(WAIT_MS);
    await page.goto(local.demoUrl);
    await page.getByText('Fail 500').click();
    await page.locator('#chat-text').fill('This one fails first');
    await page.keyboard.press('Enter');
    await page
      .locator('#received')
      .getByText(/returned 500/)
      .nth(1)
      .waitFor();
    await page.getByText('Normal 200').click();
    await waitFor(
      async () => (await get<{ data: object[] }>('/v1/accounts/demo/deliveries?status=pending')).data.length === 0,
    );
    await page.close();
  });

  it('accepts the first curl command of docs/quickstart.md', async () => {
    const [block] = blocksFor('e2e/demo.test.ts');
    const response = execFileSync('sh', ['-c', block?.code ?? ''], { cwd: folder, encoding: 'utf8' });
    expect(JSON.parse(response)).toMatchObject({ accountId: 'demo', event: 'message:created', deliveries: 1 });
  });
});
