import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('the next and the previous row in a drawer', () => {
  it('J and K step through the deliveries of the list, on to its next page and back, and keep its filters', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const names: string[] = [];
    for (let count = 0; count < 27; count += 1) {
      const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
      names.unshift((await stack.delivery(account, id)).id);
    }
    await waitFor(() => endpoint.events.length === 27);
    await signIn(`/accounts/${account}/deliveries?eventType=message:created&range=24h`);
    const drawer = page.getByRole('dialog', { name: 'Delivery' });
    const isShown = (index: number) =>
      waitFor(() => new URL(page.url()).pathname.endsWith(`/deliveries/${names[index]}`));
    const links = page.getByRole('link', { name: 'message:created' });
    await links.first().click();
    await drawer.getByText('1 of 25 on this page').waitFor();
    await page.keyboard.press('k');
    await drawer.getByText('This is the first delivery.').waitFor();
    await page.keyboard.press('j');
    await isShown(1);
    await drawer.getByText('2 of 25 on this page').waitFor();
    await button('Next delivery (J)').click();
    await isShown(2);
    expect(await button('Next delivery (J)').getAttribute('title')).toBe('Next delivery (J)');
    await button('Previous delivery (K)').click();
    await isShown(1);

    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    // The focus is on the row that was shown last.
    await waitFor(async () => (await page.evaluate('document.activeElement.id')) === names[1]);
    await links.nth(24).click();
    await drawer.getByText('25 of 25 on this page').waitFor();
    await page.keyboard.press('j');
    await isShown(25);
    await drawer.getByText('1 of 2 on this page').waitFor();
    await page.keyboard.press('k');
    await isShown(24);
    await page.keyboard.press('j');
    await isShown(25);
    await page.keyboard.press('j');
    await isShown(26);
    await page.keyboard.press('j');
    await drawer.getByText('This is the last delivery.').waitFor();

    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    const { pathname, searchParams } = new URL(page.url());
    expect(pathname).toBe(`/accounts/${account}/deliveries`);
    expect([searchParams.get('eventType'), searchParams.get('range')]).toEqual(['message:created', '24h']);
    expect(searchParams.get('cursor')).not.toBe(null);
    await page.goBack(); // steps are not in the history: back to the drawer, then to the list
    await isShown(26);
  });

  it('events open in a drawer, too; J and K do nothing in a field, with a modifier, or below another dialog', async ({
    page,
    stack,
    signIn,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    const events: string[] = [];
    for (let n = 0; n < 3; n += 1)
      events.unshift((await stack.publish(account, `{"event":"message:created","payload":{"n":${n}}}`)).id);
    await signIn(`/accounts/${account}/events`);
    await page.getByRole('link', { name: 'message:created' }).first().click();
    const drawer = page.getByRole('dialog', { name: 'Event' });
    await drawer.getByText('1 of 3').waitFor();
    await drawer.getByRole('treeitem', { name: '"n": 2' }).focus();
    await page.keyboard.press('j');
    await drawer.getByRole('treeitem', { name: '"n": 1' }).waitFor();
    await drawer.getByText('2 of 3').waitFor();
    // The focused row of the tree is gone with its event.
    await waitFor(async () => (await page.evaluate('document.activeElement.title')) === 'Next event (J)');
    await page.keyboard.press('Control+j');
    await button('Subscribe a webhook').click();
    await page.getByRole('dialog', { name: 'Subscribe a webhook' }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Subscribe a webhook' }).waitFor({ state: 'hidden' });
    await drawer.getByText('2 of 3').waitFor();
    expect(new URL(page.url()).pathname).toBe(`/accounts/${account}/events/${events[1]}`);
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    await waitFor(async () => (await page.evaluate('document.activeElement.id')) === events[1]);

    await page.getByRole('textbox', { name: 'Search' }).fill('j');
    expect(await page.getByRole('textbox', { name: 'Search' }).inputValue()).toBe('j');
  });
});
