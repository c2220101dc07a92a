import { endProcess, waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

const EVENT = '{"event":"message:created","payload":{}}';

describe.skipIf(inject('browserPath') === null)('a console during outages', () => {
  it('while the API is away, loaded data stays, marked as out of date, and other screens say why; all recovers without a reload', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await stack.publish(account, EVENT);
    await signIn(`/accounts/${account}/deliveries`);
    const row = page.getByRole('link', { name: 'message:created' });
    const menu = page.getByRole('navigation', { name: 'Console' });
    await row.waitFor();
    await page.evaluate('window.isTheSamePage = true');
    await endProcess(stack.api);
    await see('This data is out of date');
    expect(await row.count()).toBe(1);
    await menu.getByRole('link', { name: 'Events' }).click();
    await see(/We couldn’t load/);

    await stack.startApi();
    await page.getByRole('button', { name: 'Try again' }).click();
    await row.waitFor();
    await page.getByRole('heading', { level: 1, name: 'Events' }).waitFor();
    await menu.getByRole('link', { name: 'Deliveries' }).click();
    await row.waitFor();
    await waitFor(async () => (await page.getByText('This data is out of date').count()) === 0);
    expect(await page.evaluate('window.isTheSamePage')).toBe(true);
  });

  it('older pages do not shift while new rows arrive: no row is repeated or skipped', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const publish = (count: number) => Promise.all(Array.from({ length: count }, () => stack.publish(account, EVENT)));
    await publish(60);
    const path = `/v1/accounts/${account}/deliveries?limit=100`;
    const { data } = await stack.call<{ data: { id: string }[] }>('GET', path);
    await signIn(`/accounts/${account}/deliveries`);
    const links = page.getByRole('table').getByRole('link', { name: 'message:created' });
    const shown = async (): Promise<string[]> => {
      const targets = await links.evaluateAll((rows) => rows.map((row) => row.getAttribute('href') ?? ''));
      return targets.map((target) => /dlv_\w+/.exec(target)?.[0] ?? '');
    };
    await links.first().waitFor();
    const newest = await shown();
    await publish(5);
    await button('Older').click();
    await waitFor(async () => (await shown())[0] !== newest[0]);
    const older = await shown();
    await publish(5);
    await page.reload();
    await links.first().waitFor();
    expect(await shown()).toEqual(older);
    expect([...newest, ...older]).toEqual(data.slice(0, newest.length + older.length).map(({ id }) => id));
  });
});
