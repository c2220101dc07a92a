import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('times', () => {
  it('are in the chosen zone on every page, remembered, and exact to the second after a click', async ({
    page,
    stack,
    endpoint,
    signIn,
    showTimesIn,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/events`);
    const time = page.getByRole('main').getByRole('time').first();
    await time.waitFor();
    expect(await time.innerText()).toMatch(/ago|now/);
    await showTimesIn('Asia/Tokyo');
    await time.click();
    const at = await time.getAttribute('datetime');
    const expected = new Intl.DateTimeFormat('en-GB', {
      dateStyle: 'medium',
      timeStyle: 'long',
      timeZone: 'Asia/Tokyo',
    });
    expect(await time.innerText()).toBe(expected.format(new Date(at ?? '')));

    // A time in the row of a delivery, on another page and after a reload.
    await page.goto(`/accounts/${account}/events/${id}`);
    const other = page.getByRole('main').getByRole('time').first();
    await other.waitFor();
    expect(await other.innerText()).toMatch(/\d\d:\d\d:\d\d GMT\+9/);
    await other.click();
    expect(await other.innerText()).toMatch(/ago|now/);
    await page.reload();
    await page.getByRole('button', { name: 'Time zone: Asia/Tokyo' }).waitFor();
  });

  it('of a webhook that fails or is disabled are short, and exact after a click', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3600' } });
    const { id: event } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, event)).attemptCount === 1);
    await signIn(`/accounts/${account}/subscriptions/${id}`);
    const failing = page.getByText('Every attempt has failed since').getByRole('time');
    await failing.waitFor();
    expect(await failing.innerText()).not.toMatch(/:\d\d:/);
    await failing.click();
    expect(await failing.innerText()).toMatch(/\d\d:\d\d:\d\d/);
    await failing.click();

    await stack.call('POST', `/v1/accounts/${account}/subscriptions/${id}/disable`);
    await see(/^Disabled manually (now|.* ago)\. New events are not queued\.$/);
    const disabled = page.getByText(/^Disabled manually/).getByRole('time');
    await disabled.click();
    await see(/^Disabled manually .*\d\d:\d\d:\d\d.*\. New events are not queued\.$/);
    await disabled.click();
  });
});
