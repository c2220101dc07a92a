import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { toTypeId } from '@posthorn/contract';
import { findBrowser } from '@posthorn/testing';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import pg from 'pg';
import { fillHistory } from './fill-history.js';
import { startPosthorn } from './start-posthorn.js';
import { type Percentiles, percentiles } from './statistics.js';

const USAGE = `npm run bench:console -- [--deliveries 1000000]
Measures how long the console's main thread works to show 100 of N deliveries: after the response, and when coming from another
screen. Also for the next page, for a screen without deliveries, and for a click in a list of 100 attempts. The scenario history of
npm run bench measures how fast the API reads these pages.`;

const ACCOUNT = 'busy';
const IDLE_ACCOUNT = 'idle';
const ATTEMPTS = 100; // as many as the API returns with a delivery
const ROUNDS = 9;
const HAS_ROWS = `document.querySelectorAll('tbody tr').length === 100`;

const { values } = parseArgs({
  options: {
    deliveries: { type: 'string', default: '1000000' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const deliveries = Number(values.deliveries);

console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
const browserPath = await findBrowser(folder, process.env);
const bench = await startPosthorn({ backend: 'postgres', workers: 0, env: {}, workerEnv: {} });
try {
  await bench.call('PUT', `/v1/accounts/${IDLE_ACCOUNT}`, '{}');
  await fillHistory({ databaseUrl: bench.databaseUrl, deliveries, otherAccounts: 0 });
  const oftenAttempted = await addAttempts(bench.databaseUrl);
  if (browserPath === null) console.log('\nThis machine has no Chromium, so the browser was not measured.');
  else {
    // A persistent profile, as people use: without one, the browser fetches the page's icon again at each address.
    const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: browserPath,
      args: ['--no-sandbox', '--disable-gpu'],
      baseURL: bench.apiUrl,
      viewport: { width: 1280, height: 900 },
    });
    try {
      console.log('\nMain thread, medians (goals: a page < 100 ms, a click < 200 ms)');
      console.table(await measureBrowser(browser, oftenAttempted));
    } finally {
      await browser.close();
    }
  }
} finally {
  await bench.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Gives one failed delivery this many attempts, each with a response of 4 KiB. Returns its id in the database. */
async function addAttempts(databaseUrl: string): Promise<string> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    `WITH often AS (
       SELECT id, account_id, subscription_id FROM deliveries WHERE account_id = $1 AND status = 'failed' ORDER BY id DESC LIMIT 1
     ), added AS (
       INSERT INTO earlier_attempts (id, account_id, subscription_id, delivery_id, number, trigger, outcome, status_code, started_at, duration_ms,
         url, user_agent, body_bytes, signature_count, response_headers, response_body, response_truncated)
       SELECT posthorn_uuidv7(), account_id, subscription_id, id, n, 'auto', 'http_error', 503, now() - n * interval '1 minute', 80 + n,
         'https://hooks1.example.com/webhook', 'Posthorn/0.1.0', 100, 1, '{"content-type":"text/html"}',
         convert_to(repeat('<p>Service unavailable</p>', 157), 'UTF8'), true
       FROM often, generate_series(2, $2::int) n
     )
     SELECT id FROM often`,
    [ACCOUNT, ATTEMPTS],
  );
  await client.end();
  return rows[0]?.id ?? '';
}

async function measureBrowser(context: BrowserContext, oftenAttempted: string): Promise<Record<string, Percentiles>> {
  const data = { key: bench.operatorKey };
  await context.request.post('/v1/session', { data, headers: { 'x-posthorn-csrf': '1' } });
  const page = await context.newPage();
  // Makes the console request pages of a hundred, and holds its requests while the gate is closed.
  const gate = { opens: Promise.resolve() };
  await page.route(/\/v1\/accounts\/\w+\/deliveries(\?|$)/, async (route) => {
    await gate.opens;
    const url = new URL(route.request().url());
    url.searchParams.set('limit', '100');
    return route.continue({ url: url.href });
  });
  const rowsMs: number[] = [];
  const pageMs: number[] = [];
  const nextMs: number[] = [];
  const emptyMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rowsMs.push(await workOfRows(page, gate));
    pageMs.push(await workOf(page, ACCOUNT, HAS_ROWS));
    emptyMs.push(
      await workOf(
        page,
        IDLE_ACCOUNT,
        `document.title.startsWith('Deliveries') && document.querySelector('.state') !== null`,
      ),
    );
  }

  for (let round = 0; round < ROUNDS; round += 1) nextMs.push(await workOfNext(page));

  await page.goto(`/accounts/${ACCOUNT}/deliveries/${toTypeId('dlv', oftenAttempted)}`);
  const attempts = page.getByRole('button', { name: /^Attempt / });
  await attempts.nth(ATTEMPTS - 1).waitFor();
  await page.waitForLoadState('networkidle');
  const clickMs: number[] = [];
  for (let round = 0; round < ROUNDS * 2; round += 1)
    clickMs.push(await reactionOf(page, () => attempts.nth(round).click()));
  return {
    'a page of 100 deliveries, from the response on': percentiles(rowsMs),
    'the same, from the click on the link': percentiles(pageMs),
    'the next page of 100': percentiles(nextMs),
    'to a page with none': percentiles(emptyMs),
    'a click beside 100 attempts': percentiles(clickMs),
  };
}

/** The main thread's work from the click on the link until an account's deliveries are shown. */
async function workOf(page: Page, account: string, isThere: string): Promise<number> {
  return threadMs(page, await clickOnDeliveries(page, account), isThere);
}

/** Its work from the response with the deliveries until they are shown. */
async function workOfRows(page: Page, gate: { opens: Promise<void> }): Promise<number> {
  const click = await clickOnDeliveries(page, ACCOUNT);
  let open = (): void => {};
  gate.opens = new Promise((resolve) => (open = resolve));
  await click();
  await page.getByRole('heading', { name: 'Deliveries' }).waitFor();
  await pause(500); // everything else is loaded
  return threadMs(page, () => Promise.resolve(open()), HAS_ROWS);
}

async function clickOnDeliveries(page: Page, account: string): Promise<() => Promise<void>> {
  await page.goto(`/accounts/${account}/events`);
  const link = page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Deliveries' });
  const { x, y } = (await link.boundingBox()) ?? { x: 0, y: 0 };
  await page.waitForLoadState('networkidle');
  return () => page.mouse.click(x + 8, y + 8);
}

/** Its work from the key press that requests the next page until that is shown. */
async function workOfNext(page: Page): Promise<number> {
  await page.goto(`/accounts/${ACCOUNT}/deliveries`);
  const first = page.getByRole('table', { name: 'Deliveries' }).getByRole('link').first();
  const id = await first.getAttribute('id');
  await page.getByRole('button', { name: 'Older' }).focus();
  await page.waitForLoadState('networkidle');
  return threadMs(page, () => page.keyboard.press('Enter'), `document.querySelector('tbody a').id !== '${id}'`);
}

/** CPU time of the main thread in milliseconds from an input until the expected element is painted: scripts, style, layout, paint. It
 *  excludes the fetch and the work of other programs. It also excludes Playwright: positions are looked up before, and the wait
 *  is one line of script, since a locator would repeatedly compute the names of all rows in that thread. */
async function threadMs(page: Page, act: () => Promise<void>, isThere: string): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const taskSeconds = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const before = await taskSeconds();
  await act();
  await page.evaluate(`new Promise((done) => {
    const look = () => ${isThere} ? requestAnimationFrame(() => setTimeout(done)) : setTimeout(look, 20);
    look();
  })`);
  const after = await taskSeconds();
  await session.detach();
  return Math.round((after - before) * 1_000);
}

/** Milliseconds from an input to the next paint, as the browser reports them (Event Timing), rounded to 8 ms. */
async function reactionOf(page: Page, act: () => Promise<unknown>): Promise<number> {
  await page.evaluate(`window.slowest = 0;
    window.watching ??= new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.slowest = Math.max(window.slowest, duration);
    }).observe({ type: 'event', durationThreshold: 16 }) ?? true;`);
  await act();
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))');
  return Number(await page.evaluate('window.slowest'));
}
