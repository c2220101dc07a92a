/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endProcess, openTokenServer, waitFor } from '@posthorn/testing';
import { describe, expect, inject, onTestFinished } from 'vitest';
import { blocksFor } from '../docs-blocks.js';
import { startStack } from '../stack.js';
import { it as base, keepMessages } from './browser.js';
import { findings } from './findings.js';

const [sample = '', sandbox = ''] = blocksFor('e2e/console/portal.test.ts').map(({ code }) => code.trim());

/** A page of another origin that frames a portal: the sample of docs/portal.md, which stays when the session ends. It also records the
 *  messages it gets. */
/** The overview of a webhook is longer, even while its parts load. The lists of these tests are shorter. */
const LONG = 900;
const hostPage = (portal: string, frame: string) => `<!doctype html><title>Host</title>
${sample
  .replace('<iframe', `<iframe ${frame}`)
  .replace('…the url…', portal)
  .replace('https://hooks.example.com', portal === '' ? '' : new URL(portal).origin)
  .replace('location.reload();', 'void 0;')}
<script>
  const messages = [];
  const heights = [];
  addEventListener('message', ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    messages.push(data.type);
    if (data.type === 'posthorn:height') heights.push(data.height);
  });
</script>`;

const it = base
  .extend('host', { scope: 'file' }, async ({}, { onCleanup }) => {
    const server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const { portal = '', frame = '' } = Object.fromEntries(searchParams);
      response.setHeader('content-type', 'text/html').end(hostPage(portal, frame));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onCleanup(() => void server.close());
    return `http://localhost:${(server.address() as AddressInfo).port}`;
  })
  .extend('stack', { scope: 'file' }, async ({ host }, { onCleanup }) => {
    const backend = inject('queueBackends')[0] ?? 'postgres';
    const stack = await startStack({ backend, env: { PORTAL_FRAME_ANCESTORS: host } });
    onCleanup(() => stack.stop());
    return stack;
  })
  .extend('portalOf', ({ stack }) => async (account: string, options: object = {}): Promise<string> => {
    const link = await stack.call<{ url: string }>('POST', `/v1/accounts/${account}/portal-sessions`, options);
    return link.url;
  });

describe.skipIf(inject('browserPath') === null)('the portal', () => {
  it('opens by its single-use link, removes the token from the address, and hides what it may not do', async ({
    page,
    stack,
    endpoint,
    context,
    button,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {
      capabilities: ['subscriptions:read', 'deliveries:read', 'events:read'],
    });
    await page.goto(url);
    await page.getByRole('cell', { name: 'Active' }).waitFor();
    expect(page.url()).not.toContain('token');
    expect(await button('Add webhook URL').count()).toBe(0);
    expect(await button(/^Actions for/).count()).toBe(0);
    expect(await button('Sign out').count()).toBe(0);

    const again = await context.newPage();
    await again.goto(url);
    await again.getByRole('heading', { name: 'This link has expired' }).waitFor();
    expect(await findings(again)).toEqual([]);
  });

  it('a customer adds a webhook with a filter, a retry policy and an authentication', async ({
    page,
    endpoint,
    stack,
    portalOf,
    newAccount,
    button,
    see,
  }) => {
    const tokens = await openTokenServer();
    onTestFinished(() => tokens.close());
    const account = await newAccount();
    await page.goto(await portalOf(account));
    await button('Add webhook URL').click();
    const fill = (name: RegExp | string, value: string) => page.getByRole('textbox', { name }).fill(value);
    await fill('Webhook URL', endpoint.url);
    await page.getByText(/^Description, filter/).click();
    await fill(/^Filter/, '$.status == "closed"');
    await page.getByRole('combobox', { name: 'Kind of authentication' }).selectOption('OAuth 2.0 client credentials');
    await fill('Client ID', tokens.clientId);
    await page.getByLabel('Client secret', { exact: true }).fill(tokens.clientSecret);
    await fill('Token URL', tokens.url);
    await fill(/^Retry schedule/, '10s, 5m');
    await fill(/^Timeout/, '2.5');
    await button('Save').click();
    await see('Verified!');
    expect(endpoint.requests[0]?.headers['authorization']).toBe('Bearer token-1');

    const { data } = await stack.call<{ data: object[] }>('GET', `/v1/accounts/${account}/subscriptions`);
    expect(data).toMatchObject([{ filter: '$.status == "closed"', retrySchedule: [10, 300], timeoutMs: 2_500 }]);
    const published = (status: string) =>
      stack.publish(account, JSON.stringify({ event: 'message:created', payload: { status } }));
    expect([await published('open'), await published('closed')]).toMatchObject([{ deliveries: 0 }, { deliveries: 1 }]);
    await waitFor(() => endpoint.events.length === 1);
  });

  it('without permission to publish, a test sends the catalogue’s example, which cannot be edited', async ({
    page,
    stack,
    endpoint,
    button,
    portalOf,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    await page.goto(await portalOf(account));
    await page.getByRole('link', { name: /127/ }).click();
    await page.getByRole('link', { name: 'Testing' }).click();
    await page.getByLabel('Payload', { exact: true }).waitFor();
    await page.getByText('you need permission to publish events').waitFor();
    expect(await page.getByRole('textbox').count()).toBe(0);
    await page.getByRole('combobox', { name: 'Event type' }).selectOption('conversation:created');
    await button('Send test').click();
    await page.getByRole('link', { name: 'View delivery' }).waitFor();
    await waitFor(() => endpoint.events.length === 1);
    expect(JSON.parse(String(endpoint.events[0]?.rawBody))).toMatchObject({
      event: 'conversation:created',
      payload: { object: 'conversation' },
    });
    expect(page.url()).toContain(id);
  });

  it('in a frame, sends its height and the end of its session to the host page', async ({
    page,
    stack,
    endpoint,
    host,
    portalOf,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const url = await portalOf(account, { ttlSeconds: 3_600 });
    onTestFinished(() => page.context().close()); // its timers would remain
    // The portal's timer of an hour ends when the test says so. (Playwright's clock does not reach a frame of another origin.)
    await page.addInitScript(
      `window.setTimeout = ((set) => (run, ms, ...rest) => ms > 3_000_000 ? ((window.endSession = run), 0) : set(run, ms, ...rest))(window.setTimeout)`,
    );
    await page.goto(`${host}/?portal=${encodeURIComponent(url)}`);
    const frame = page.frameLocator('iframe');
    await frame.getByRole('cell', { name: 'Active' }).waitFor();
    const heightOf = async () => Number(await page.evaluate('frame.clientHeight'));
    await waitFor(async () => (await heightOf()) >= 560);
    await frame.getByRole('link', { name: /127/ }).click();
    await frame.getByRole('heading', { name: 'Activity' }).waitFor();
    await waitFor(async () => (await heightOf()) > LONG, { what: 'the height of a long page' });
    // It also shrinks again.
    await frame.getByRole('link', { name: 'Integrations' }).click();
    await waitFor(async () => (await heightOf()) <= LONG, { what: 'the height of a short page' });
    expect(await page.evaluate('messages.includes("posthorn:expired")')).toBe(false);
    await page.frames()[1]?.evaluate('endSession()');
    await waitFor(async () => (await page.evaluate('messages.includes("posthorn:expired")')) === true);
  });

  it('in a frame it keeps its height while a page loads: it neither collapses nor jumps', async ({
    page,
    stack,
    endpoint,
    host,
    portalOf,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    await page.goto(`${host}/?portal=${encodeURIComponent(await portalOf(account))}`);
    const frame = page.frameLocator('iframe');
    await frame.getByRole('link', { name: /127/ }).click();
    await frame.getByRole('heading', { name: 'Latest deliveries' }).waitFor();
    const heightOf = async () => Number(await page.evaluate('frame.clientHeight'));
    await waitFor(async () => (await heightOf()) > LONG, { what: 'the height of a long page' });

    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    onTestFinished(() => release());
    await page.route(/\/v1\/accounts\/[^/]+\/deliveries(\?|$)/, async (route) => {
      await released;
      await route.continue();
    });
    await page.evaluate('heights.length = 0');
    await frame.getByRole('navigation', { name: 'Webhooks' }).getByRole('link', { name: 'Deliveries' }).click();
    await frame.getByText('Loading deliveries…').waitFor({ state: 'attached' });
    // Two frames later an observer has seen the shorter page, and a message after its own arrives after it.
    await page
      .frames()[1]
      ?.evaluate(
        `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => parent.postMessage({ type: 'mark' }, '*'))`,
      );
    await waitFor(() => page.evaluate('messages.includes("mark")'));
    expect(await page.evaluate(`heights.filter((height) => height <= ${LONG})`)).toEqual([]);

    release();
    await frame.getByRole('row').nth(1).waitFor();
    await waitFor(async () => (await heightOf()) <= LONG, { what: 'the height of the short page' });
    await waitFor(() => page.evaluate('Math.min(...heights) === frame.clientHeight'), {
      what: 'the height to be the smallest so far',
    });
  });

  it('in a frame it has tabs, and a delivery opens in the visible part of the frame (U7, U8)', async ({
    page,
    stack,
    endpoint,
    host,
    portalOf,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    for (let n = 0; n < 60; n += 1) await stack.publish(account, '{"event":"message:created","payload":{}}');
    await page.goto(`${host}/?portal=${encodeURIComponent(await portalOf(account))}`);
    const frame = page.frameLocator('iframe');
    await frame.getByRole('navigation', { name: 'Webhooks' }).getByRole('link', { name: 'Deliveries' }).click();
    await frame.getByRole('row').nth(20).waitFor();
    await waitFor(async () => Number(await page.evaluate('frame.clientHeight')) > 1_200);
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
    await frame.getByRole('link', { name: 'message:created' }).last().click();
    const drawer = frame.getByRole('dialog');
    await drawer.waitFor();
    const isInside = async () => {
      const box = await drawer.boundingBox();
      const viewport = page.viewportSize();
      return box !== null && viewport !== null && box.y >= -1 && box.y + box.height <= viewport.height + 1;
    };
    await waitFor(isInside, { what: 'the drawer inside the window' });
    await page.evaluate('scrollBy(0, -300)');
    await waitFor(isInside, { what: 'the drawer inside the window after scrolling' });
    await drawer.getByText('Delivered: endpoint returned 200').waitFor();
    const [, portal] = page.frames();
    expect(await findings(page, { frame: portal, within: '[role=dialog], dialog' })).toEqual([]);
    await drawer.getByRole('button', { name: 'Close' }).click();
    await drawer.waitFor({ state: 'detached' });
    expect(await findings(page, { frame: portal })).toEqual([]);
  });

  it('exports the filtered deliveries as a download, also in a frame with the sandbox of the documentation', async ({
    page,
    stack,
    endpoint,
    host,
    portalOf,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"to":"ada"}}');
    await stack.publish(account, '{"event":"message:created","payload":{"to":"bob"}}');
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    for (const frame of ['', sandbox]) {
      const url = await portalOf(account, { path: '/deliveries?q=ada' });
      await page.goto(`${host}/?${new URLSearchParams({ portal: url, frame })}`);
      const portal = page.frameLocator('iframe');
      await portal.getByRole('button', { name: 'Export' }).click();
      const downloading = page.waitForEvent('download');
      await portal.getByRole('menuitem', { name: /^NDJSON/ }).click();
      const download = await downloading;
      expect(download.suggestedFilename()).toBe(`deliveries-${account}.ndjson`);
      // The browser reads the response as it arrives: the page does not collect it.
      expect(download.url()).toMatch(/\/v1\/exports\?token=phx_[\w-]+$/);
      const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ eventId: id, status: 'succeeded' }]);
      await portal.getByRole('button', { name: 'Export' }).waitFor();
    }
  });

  it('says so if its frame may not download', async ({ context, stack, endpoint, host, portalOf }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const { id: eventId } = await stack.publish(account, '{"event":"message:created","payload":{"to":"ada"}}');
    const portal = await portalOf(account, { path: '/deliveries' });
    const frame = sandbox.replace(' allow-downloads', '');
    const page = await context.newPage(); // the browser logs an error
    await page.goto(`${host}/?${new URLSearchParams({ portal, frame })}`);
    const inFrame = page.frameLocator('iframe');
    await inFrame.getByRole('button', { name: 'Export' }).waitFor();
    for (const inside of page.frames()) await keepMessages(inside);
    await inFrame.getByRole('button', { name: 'Export' }).click();
    await inFrame.getByRole('menuitem', { name: /^CSV/ }).click();
    await inFrame
      .getByText('The download did not start. The page around this one must allow downloads')
      .first()
      .waitFor();
    const eventPage = await portalOf(account, { path: `/events/${eventId}` });
    await page.goto(`${host}/?${new URLSearchParams({ portal: eventPage, frame })}`);
    await inFrame.getByRole('button', { name: 'Download the payload' }).click();
    await inFrame
      .getByText('Is there no new file in your downloads? The page around this one must allow downloads')
      .first()
      .waitFor();
  });

  it('a link leads to a page of the portal', async ({ page, stack, endpoint, portalOf }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await page.goto(await portalOf(account, { path: '/deliveries?status=failed' }));
    await page.getByRole('heading', { name: 'Deliveries', level: 1 }).waitFor();
    expect(page.url()).toMatch(new RegExp(`/portal/accounts/${account}/deliveries\\?status=failed$`));
    await page.getByText('No deliveries match these filters').waitFor();
  });

  it('applies its session’s theme: logo, readable accent, corners, font, hidden navigation', async ({
    page,
    stack,
    endpoint,
    portalOf,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const logoUrl = `data:image/svg+xml;base64,${btoa('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 20"/>')}`;
    const theme = { accent: '#ffee00', radius: 20, fontFamily: 'mono', mode: 'light', logoUrl };
    await page.goto(await portalOf(account, { theme }));
    await page.getByRole('img', { name: 'Go to the start page' }).waitFor();
    const style = async (name: string) =>
      page.evaluate(`getComputedStyle(document.documentElement).getPropertyValue('${name}')`);
    expect(await style('--radius-3')).toBe('20px');
    expect(await style('--accent')).not.toContain('#ffee00,');
    expect(await style('font-family')).toContain('JetBrains');

    const bare = await portalOf(account, { theme: { navigation: 'hidden' } });
    await page.goto('about:blank');
    await page.goto(bare);
    await page.getByRole('link', { name: /127/ }).click();
    await page.getByRole('link', { name: 'All webhooks' }).waitFor();
    expect(await page.getByRole('navigation', { name: 'Console' }).count()).toBe(0);
    await page.getByRole('button', { name: /^Time zone/ }).waitFor();
  });

  it('follows deliveries live with its own token; when the stream breaks, it polls and says so', async ({
    page,
    stack,
    endpoint,
    button,
    see,
    portalOf,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const publish = () => stack.publish(account, '{"event":"message:created","payload":{}}');
    await publish();
    let streams = 0;
    await page.goto(await portalOf(account));
    await page.getByRole('link', { name: 'Deliveries' }).click();
    await page.getByRole('link', { name: 'message:created' }).waitFor();
    page.on('request', (request) => {
      if (request.url().endsWith('/stream')) streams += 1;
    });
    await button('Live').click();
    await waitFor(() => streams === 1);
    await publish();
    await button('1 new').waitFor();

    await endProcess(stack.api);
    await see('Live updates are interrupted. Refreshing every 5 seconds.');
    await stack.startApi();
    await waitFor(async () => (await page.getByText('Live updates are interrupted').count()) === 0);
    expect(streams).toBeGreaterThan(1);
    await publish();
    await button('2 new').waitFor();
  });
});
