import { AxeBuilder } from '@axe-core/playwright';
import { openReceiver, type Receiver, waitFor } from '@posthorn/testing';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

const WAIT_MS = 15_000;

describe.skipIf(inject('browserPath') === null)('the console, in a real browser', () => {
  let stack: Stack;
  let receiver: Receiver;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** What the browser complained of, but for answers that a test asks for. */
  let complaints: string[];

  beforeAll(async () => {
    stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres' });
    browser = await chromium.launch({ executablePath: inject('browserPath') ?? '', args: ['--no-sandbox'] });
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });
  beforeEach(async () => {
    receiver = await openReceiver();
    context = await browser.newContext({ baseURL: stack.apiUrl, viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
  });
  afterEach(async () => {
    await context.close();
    await receiver.close();
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });

  async function signIn(path = '/', key = stack.operatorKey): Promise<void> {
    await page.goto(path);
    await page.getByLabel('Operator key or account key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Console' }).waitFor();
  }
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const see = (text: string | RegExp) => page.getByText(text).first().waitFor();
  const newAccount = async (): Promise<string> => {
    const account = `account-${Math.random().toString(36).slice(2)}`;
    await stack.call('PUT', `/v1/accounts/${account}`, {});
    return account;
  };
  async function save(url: string): Promise<void> {
    await button('Add webhook URL').click();
    await page.getByRole('textbox', { name: 'Webhook URL' }).fill(url);
    await button('Save').click();
  }

  it('the whole first run: sign in, add an account, add a root URL, see it verified, send a test, see it taken (C1, C9)', async () => {
    await signIn();
    await page.getByRole('link', { name: 'To the accounts' }).click();
    await button('Add account').first().click();
    await page.getByRole('textbox', { name: 'Id' }).fill('first-run');
    await page.getByRole('dialog').getByRole('button', { name: 'Add account' }).click();
    await see('No webhooks yet');
    await save(receiver.url.replace('/webhook', ''));
    await see('Verified!');
    await button('Send test').click();
    await see('Taken: the receiver answered 200');
    expect(receiver.events).toHaveLength(1);
    await button('Reveal secret').click();
    await see(/^whsec_[A-Za-z0-9+/]{20,}/);
    await button('Done').click();
    await page.getByRole('cell', { name: 'Active' }).waitFor();
  });

  it('a failed challenge tells what came back and why; an edit takes “Verified!” back; closing unverified says so (C2, C3, C4, C5)', async () => {
    const account = await newAccount();
    receiver.answerHandshake({ body: '{"ok":true}' });
    await signIn(`/accounts/${account}/integrations`);
    await save(receiver.url);
    await see('Another text came back');
    await page.getByText('What was sent, and what came back').click();
    await see('{"ok":true}');
    await button('Close').last().click();
    await see('Saved, but it gets no events until it is verified.');
    await page.getByRole('cell', { name: 'Unverified' }).waitFor();

    receiver.answerHandshake(({ challenge }) => ({ body: challenge ?? '' }));
    await button(/^Acts on/).click();
    await page.getByRole('menuitem', { name: 'Verify again' }).click();
    await page.getByRole('cell', { name: 'Active' }).waitFor();

    await save(receiver.url);
    await see('Verified!');
    await page.getByRole('textbox', { name: 'Webhook URL' }).fill(`${receiver.url}/other`);
    await waitFor(async () => (await page.getByText('Verified!').count()) === 0);
  });

  it.each([
    ['not a url', 'Begin it with https://'],
    ['http://', 'no valid URL'],
    ['http://169.254.169.254/latest', 'private or reserved'],
    ['http://127.0.0.1:25/', 'Port 25'],
  ])('the refused URL %s has a named reason beside the field (C1)', async (url, reason) => {
    await signIn(`/accounts/${await newAccount()}/integrations`);
    await save(url);
    const field = page.getByRole('textbox', { name: 'Webhook URL' });
    await page.getByRole('alert').filter({ hasText: reason }).waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('true');
  });

  it('a changed URL stands beside the working one until it is proven (C6)', async () => {
    const { account, id } = await stack.subscribe(receiver.url);
    receiver.answerHandshake(500);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await page.getByRole('textbox', { name: 'Webhook URL' }).fill(`${receiver.url}/new`);
    await button('Save').click();
    await see('has not proven itself yet');
    await see('It answered 500, not 2xx');
    await page.getByRole('heading', { level: 1 }).getByText('/webhook', { exact: true }).waitFor();
  });

  it('a delivery that failed: the outcome, what to do about it, and a retry that never says “successful”', async () => {
    const { account } = await stack.subscribe(receiver.url);
    receiver.answer({ status: 503, body: '<script>document.title = "pwned"</script>\u202etxt' }, 200);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"n":12345678901234567890}}');
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 1);
    await signIn(`/accounts/${account}/deliveries`);
    await page.getByRole('link', { name: 'message:created' }).click();
    await see('The receiver answered 503');
    await see('Read the answer below, mend the receiver, then retry.');
    await see('<script>document.title');
    await see('\\u202e');
    expect(await page.title()).not.toBe('pwned');
    await button('Retry now').click();
    await see('Retry queued.');
    await page.getByRole('heading', { level: 1 }).getByText('Succeeded').waitFor();
    await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Events' }).click();
    await page.getByRole('link', { name: 'message:created' }).click();
    await see('12345678901234567890');
  });

  it('filters stand in the address: reload and back restore them; no match says so and clears', async () => {
    const { account } = await stack.subscribe(receiver.url);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/deliveries`);
    await page.getByRole('link', { name: 'message:created' }).waitFor();
    await page.getByRole('combobox', { name: 'Status' }).selectOption('failed');
    await see('No deliveries match these filters');
    expect(new URL(page.url()).searchParams.get('status')).toBe('failed');
    await page.reload();
    await see('No deliveries match these filters');
    await button('Clear filters').first().click();
    await page.getByRole('link', { name: 'message:created' }).waitFor();
    await page.goBack();
    await see('No deliveries match these filters');
  });

  it('what comes meanwhile does not move the list: it is counted, live within moments, and shown when it is asked for', async () => {
    const { account } = await stack.subscribe(receiver.url);
    const publish = () => stack.publish(account, '{"event":"message:created","payload":{}}');
    await publish();
    await signIn(`/accounts/${account}/deliveries`);
    const rows = page.getByRole('row').filter({ hasText: 'message:created' });
    await rows.filter({ hasText: 'Succeeded' }).waitFor();
    await button('Live').click();
    await publish();
    await button('1 new').waitFor();
    expect(await rows.count()).toBe(1);
    await button('1 new').click();
    await waitFor(async () => (await rows.count()) === 2);
  });

  it('the overview counts what was delivered; the queues show the worker; the audit log tells who changed what', async () => {
    const { account } = await stack.subscribe(receiver.url);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => receiver.events.length === 1);
    await signIn();
    await page.getByRole('img', { name: /^Attempts: [1-9]\d* succeeded/ }).waitFor();
    await page.getByRole('link', { name: 'Queues' }).click();
    await page.getByRole('cell', { name: 'Alive' }).waitFor();
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('cell', { name: 'session.create' }).first().waitFor();
  });

  it('an event that nobody wanted says so', async () => {
    const account = await newAccount();
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/events`);
    await see('No webhook wanted it');
  });

  it('an expired session asks to sign in, and comes back to the same place', async () => {
    const account = await newAccount();
    await signIn(`/accounts/${account}/keys`);
    await see('No keys yet');
    await context.clearCookies();
    await page.getByRole('link', { name: 'Integrations' }).click();
    await page.getByLabel('Operator key or account key').fill(stack.operatorKey);
    await button('Sign in').click();
    await see('No webhooks yet');
    expect(new URL(page.url()).pathname).toBe(`/accounts/${account}/integrations`);
  });

  it('an account’s key sees its own account only; another account’s webhook is “not found”, with a way back (C10)', async () => {
    const mine = await newAccount();
    const theirs = await stack.subscribe(receiver.url);
    const { key } = await stack.call<{ key: string }>('POST', `/v1/accounts/${mine}/keys`, { name: 'console' });
    await signIn('/', key);
    await see('No webhooks yet');
    expect(await page.getByRole('link', { name: 'Accounts' }).count()).toBe(0);
    await page.goto(`/accounts/${theirs.account}/subscriptions/${theirs.id}`);
    await see('No such webhook');
  });

  it('a portal opens by its link, which is used once and leaves the address; what it may not do is not shown', async () => {
    const { account } = await stack.subscribe(receiver.url);
    const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {
      capabilities: ['subscriptions:read', 'deliveries:read', 'events:read'],
    });
    await page.goto(url);
    await page.getByRole('cell', { name: 'Active' }).waitFor();
    expect(page.url()).not.toContain('token');
    expect(await button('Add webhook URL').count()).toBe(0);
    expect(await button(/^Acts on/).count()).toBe(0);
    expect(await button('Sign out').count()).toBe(0);

    const again = await context.newPage();
    await again.goto(url);
    await again.getByRole('heading', { name: 'This link works no more' }).waitFor();
  });

  it('axe finds nothing on any screen, light and dark, wide and narrow', { timeout: 180_000 }, async () => {
    const { account, id } = await stack.subscribe(receiver.url);
    const event = await stack.publish(account, '{"event":"message:created","payload":{}}');
    const delivery = await stack.delivery(account, event.id);
    await signIn();
    const of = `/accounts/${account}`;
    const screens = [
      '/',
      '/accounts',
      '/queues',
      '/audit',
      '/event-types',
      '/event-types/message:created',
      '/nowhere',
      `${of}/integrations`,
      `${of}/events`,
      `${of}/events/${event.id}`,
      `${of}/deliveries`,
      `${of}/deliveries?status=failed`,
      `${of}/deliveries/${delivery.id}`,
      `${of}/recoveries`,
      `${of}/keys`,
      ...['', '/deliveries', '/test', '/recover', '/settings'].map((tab) => `${of}/subscriptions/${id}${tab}`),
    ];
    const found: string[] = [];
    const check = async (where: string) => {
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
        .analyze();
      for (const { id: rule, nodes } of violations) found.push(`${where}: ${rule} ${nodes[0]?.html}`);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      if (Number(overflow) > 0) found.push(`${where}: scrolls sideways by ${Number(overflow)} px`);
    };
    const checkAll = async (where: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        for (const width of [1280, 360]) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 844 });
          await check(`${where} ${colorScheme} ${width}`);
        }
      }
    };
    for (const screen of screens) {
      await page.goto(screen);
      await page
        .getByRole('heading', { level: 1 })
        .or(page.getByRole('heading', { name: 'nothing here' }))
        .waitFor();
      await waitFor(async () => (await page.getByText(/^Loading/).count()) === 0);
      await checkAll(screen);
    }
    await page.setViewportSize({ width: 1280, height: 844 });
    await page.goto(`${of}/integrations`);
    await button(/^Acts on/).click();
    await checkAll('the menu');
    await page.keyboard.press('Escape');
    await button('Add webhook URL').click();
    await checkAll('the modal');
    expect(found).toEqual([]);
  });

  it('all by keyboard: skip to the content, into a webhook, pause it by its menu', async () => {
    const { account } = await stack.subscribe(receiver.url);
    await signIn(`/accounts/${account}/integrations`);
    await page.getByRole('link', { name: /webhook/ }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: /127/ }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    for (let presses = 0; presses < 10; presses += 1) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate('document.activeElement.getAttribute("aria-label")');
      if (String(name).startsWith('Acts on')) break;
    }
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Pause' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'Paused' }).waitFor();
  });

  it('is served under a policy without unsafe-inline, and not into other people’s frames', async () => {
    const { headers } = await fetch(stack.apiUrl, { headers: { accept: 'text/html' } });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'self'");
    expect(policy).not.toContain('unsafe');
    const problem = await fetch(`${stack.apiUrl}/v1/nowhere`, { headers: { accept: 'text/html' } });
    expect([problem.status, problem.headers.get('content-type')]).toEqual([
      404,
      expect.stringContaining('application/problem+json'),
    ]);
    const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(await (await fetch(stack.apiUrl)).text())?.[1] ?? '';
    const asset = await fetch(stack.apiUrl + script, { headers: { 'accept-encoding': 'br' } });
    expect([asset.status, asset.headers.get('content-encoding'), asset.headers.get('cache-control')]).toEqual([
      200,
      'br',
      'public, max-age=31536000, immutable',
    ]);
  });
});
