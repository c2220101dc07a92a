import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { toTypeId } from '@posthorn/contract';
import { findBrowser } from '@posthorn/testing';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { fillList, type LongList } from './long-list.js';
import { type Percentiles, percentiles } from './measure.js';
import { type Bench, startBench } from './stack.js';

const USAGE = `npm run bench:console -- [--deliveries 1000000] [--pages 40]
Prints how quickly a list of so many deliveries is paged through over HTTP, by each filter, and what the console's main thread
has to do for 100 of them from the answer on, for the whole way to them from another screen, for the next 100, for the screen with
none, and for a click beside 200 attempts.`;

const ACCOUNT = 'busy';
const IDLE_ACCOUNT = 'idle';
const ATTEMPTS = 200;
const ROUNDS = 9;
const HAS_ROWS = `document.querySelectorAll('tbody tr').length === 100`;

const { values } = parseArgs({
  options: {
    deliveries: { type: 'string', default: '1000000' },
    pages: { type: 'string', default: '40' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const [deliveries, pages] = [Number(values.deliveries), Number(values.pages)];

console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
const browserPath = await findBrowser(folder, process.env);
const bench = await startBench({ backend: 'postgres', workers: 1 });
try {
  for (const account of [ACCOUNT, IDLE_ACCOUNT]) await bench.call('PUT', `/v1/accounts/${account}`, '{}');
  const list = await fillList(bench.databaseUrl, { account: ACCOUNT, deliveries, attempts: ATTEMPTS });
  console.log(`\nPages of 50 out of ${deliveries} deliveries, ${pages} pages each (reach: p95 < 150 ms)`);
  console.table(await measurePaging(bench, list));
  if (browserPath === null) console.log('\nNo Chromium here: what the browser does was not measured.');
  else {
    // As a person's browser, with a profile of its own: one that remembers nothing fetches the page's icon anew at each address.
    const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: browserPath,
      args: ['--no-sandbox'],
      baseURL: bench.apiUrl,
      viewport: { width: 1280, height: 900 },
    });
    try {
      console.log('\nMain thread, medians (reach: a page < 100 ms, a click < 200 ms)');
      console.table(await measureBrowser(browser, list));
    } finally {
      await browser.close();
    }
  }
} finally {
  await bench.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Walks the list by its cursor, with each filter. */
async function measurePaging(
  on: Bench,
  { subscriptions }: LongList,
): Promise<Record<string, Percentiles & { pages: number }>> {
  const [one = '', another = ''] = subscriptions.map((id) => toTypeId('sub', id));
  const dayAgo = new Date(Date.now() - 24 * 60 * 60 * 1_000).toISOString();
  const filters = {
    all: '',
    succeeded: 'status=succeeded',
    failed: 'status=failed',
    'held and canceled': 'status=held&status=canceled',
    'a rare type': 'eventType=conversation:created',
    'a type that never came': 'eventType=never:came',
    'timed out': 'outcome=timeout',
    'of a webhook': `subscription=${one}`,
    'failed of two webhooks': `status=failed&subscription=${one}&subscription=${another}`,
    'of a day': `from=${dayAgo}`,
    'a rare type of a webhook': `eventType=conversation:created&subscription=${another}`,
    'a type that a webhook never got': `eventType=conversation:created&subscription=${one}`,
    'two types of two webhooks': `eventType=conversation:created&eventType=message:created&subscription=${one}&subscription=${another}`,
  };
  const found: Record<string, Percentiles & { pages: number }> = {};
  for (const [name, filter] of Object.entries(filters)) {
    const tookMs: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null && tookMs.length < pages) {
      const from = performance.now();
      const path = `/v1/accounts/${ACCOUNT}/deliveries?limit=50&${filter}${cursor && `&cursor=${cursor}`}`;
      const { status, text } = await on.call('GET', path);
      tookMs.push(Math.round((performance.now() - from) * 10) / 10);
      if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
      cursor = (JSON.parse(text) as { nextCursor: string | null }).nextCursor;
    }
    found[name] = { pages: tookMs.length, ...percentiles(tookMs) };
  }
  return found;
}

async function measureBrowser(context: BrowserContext, { oftenTried }: LongList): Promise<Record<string, Percentiles>> {
  const data = { key: bench.operatorKey };
  await context.request.post('/v1/session', { data, headers: { 'x-posthorn-csrf': '1' } });
  const page = await context.newPage();
  // Whatever the console asks for, it gets pages of a hundred; while there is a gate, when that opens.
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

  await page.goto(`/accounts/${ACCOUNT}/deliveries/${toTypeId('dlv', oftenTried)}`);
  const attempts = page.getByRole('button', { name: /^Attempt / });
  await attempts.nth(ATTEMPTS - 1).waitFor();
  await page.waitForLoadState('networkidle');
  const clickMs: number[] = [];
  for (let round = 0; round < ROUNDS * 2; round += 1)
    clickMs.push(await reactionOf(page, () => attempts.nth(round).click()));
  return {
    'a page of 100 deliveries, from the answer on': percentiles(rowsMs),
    'the same, from the click that leads there': percentiles(pageMs),
    'the next page of 100': percentiles(nextMs),
    'to a page with none': percentiles(emptyMs),
    'a click beside 200 attempts': percentiles(clickMs),
  };
}

/** What the main thread does from the click that leads to an account's deliveries until they are there. */
async function workOf(page: Page, account: string, isThere: string): Promise<number> {
  return threadMs(page, await clickOnDeliveries(page, account), isThere);
}

/** What it does from the answer with the deliveries on, until they are there. */
async function workOfRows(page: Page, gate: { opens: Promise<void> }): Promise<number> {
  const click = await clickOnDeliveries(page, ACCOUNT);
  let open = (): void => {};
  gate.opens = new Promise((resolve) => (open = resolve));
  await click();
  await page.getByRole('heading', { name: 'Deliveries' }).waitFor();
  await pause(500); // all else is there
  return threadMs(page, () => Promise.resolve(open()), HAS_ROWS);
}

async function clickOnDeliveries(page: Page, account: string): Promise<() => Promise<void>> {
  await page.goto(`/accounts/${account}/events`);
  const link = page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Deliveries' });
  const { x, y } = (await link.boundingBox()) ?? { x: 0, y: 0 };
  await page.waitForLoadState('networkidle');
  return () => page.mouse.click(x + 8, y + 8);
}

/** What it does from the key that asks for the next page of them until that is there. */
async function workOfNext(page: Page): Promise<number> {
  await page.goto(`/accounts/${ACCOUNT}/deliveries`);
  const first = page.getByRole('table', { name: 'Deliveries' }).getByRole('link').first();
  const id = await first.getAttribute('id');
  await page.getByRole('button', { name: 'Older' }).focus();
  await page.waitForLoadState('networkidle');
  return threadMs(page, () => page.keyboard.press('Enter'), `document.querySelector('tbody a').id !== '${id}'`);
}

/** Milliseconds that the main thread works from an input until what is looked for is there and painted: scripts, style, layout, paint,
 *  and what goes with them. It is processor time, so neither the fetch is in it nor what else the machine does. Nothing of Playwright
 *  is in it either: where to click was looked up before, and what waits is a line of its own, as a locator would compute the names of
 *  all rows in that thread, and again at each look. */
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

/** Milliseconds from an input to the next picture, as the browser itself counts them (Event Timing); it rounds to 8 ms. */
async function reactionOf(page: Page, act: () => Promise<unknown>): Promise<number> {
  await page.evaluate(`window.slowest = 0;
    window.watching ??= new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.slowest = Math.max(window.slowest, duration);
    }).observe({ type: 'event', durationThreshold: 16 }) ?? true;`);
  await act();
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))');
  return Number(await page.evaluate('window.slowest'));
}
