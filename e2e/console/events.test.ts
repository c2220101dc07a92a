import { waitFor } from '@posthorn/testing';
import { type EventType, isOperational } from '@posthorn/contract';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('the event types of a webhook', () => {
  it('a webhook receives exactly the chosen types, the whole of a chosen group, or all types including future ones (C7)', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const put = (name: string) => stack.call('PUT', `/v1/event-types/${name}`, {});
    await Promise.all(['message:created2', 'messages:created'].map(put));
    const { account, id } = await stack.subscribe(endpoint.url, { events: ['conversation:created'] });
    /** Which of these the webhook receives. */
    const delivered = async (names: string[]): Promise<string[]> => {
      const published = await Promise.all(
        names.map((event) => stack.publish(account, JSON.stringify({ event, payload: {} }))),
      );
      return names.filter((_, index) => published[index]?.deliveries === 1);
    };
    const save = async () => {
      // An earlier message may still be visible.
      const saved = page.waitForResponse((response) => response.request().method() === 'PATCH');
      await button('Save').click();
      expect((await saved).status()).toBe(200);
    };
    const some = ['message:created', 'message:created2', 'messages:created', 'conversation:created'];
    const choice = (name: string | RegExp) => page.getByRole('checkbox', { name, exact: true });

    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await choice('message:created').check();
    await choice('conversation:created').uncheck();
    await save();
    expect(await delivered(some)).toEqual(['message:created']);

    await choice(/^message:\*/).check();
    expect(await choice('message:created2').isDisabled()).toBe(true);
    await save();
    expect(await delivered(some)).toEqual(['message:created', 'message:created2']);

    await page.getByRole('radio', { name: 'All events, including future ones' }).check();
    await save();
    await put('later:added');
    expect(await delivered([...some, 'later:added'])).toEqual([...some, 'later:added']);
  });

  it('the catalogue, the picker and the test form list the same types, and each that can be published is delivered (C8)', async ({
    page,
    stack,
    endpoint,
    signIn,
  }) => {
    await stack.call('PUT', '/v1/event-types/order:shipped', { example: { order: 7 } });
    const { data: types } = await stack.call<{ data: EventType[] }>('GET', '/v1/event-types?limit=100');
    const names = types.map(({ name }) => name).toSorted();
    expect(names).toEqual(
      expect.arrayContaining(['conversation:created', 'conversation:updated', 'message:created', 'order:shipped']),
    );
    const { account, id } = await stack.subscribe(endpoint.url);

    await signIn('/event-types');
    const links = page.getByRole('main').getByRole('link', { name: /:/ });
    await links.first().waitFor();
    expect((await links.allInnerTexts()).toSorted()).toEqual(names);

    await page.goto(`/accounts/${account}/subscriptions/${id}/test`);
    const options = page.getByRole('combobox', { name: 'Event type' }).getByRole('option');
    await waitFor(async () => (await options.count()) > 0);
    expect((await options.allInnerTexts()).toSorted()).toEqual(names);

    await page.goto(`/accounts/${account}/subscriptions/${id}/settings`);
    await page.getByRole('radio', { name: 'Selected events' }).check();
    const offered = await page.getByRole('listitem').getByRole('code').allInnerTexts();
    expect(offered).toHaveLength(await page.getByRole('group', { name: 'Events' }).getByRole('checkbox').count());
    expect(offered.filter((name) => !name.endsWith(':*')).toSorted()).toEqual(names);

    // Operational events cannot be published.
    const published = types.filter(({ name }) => !isOperational(name));
    for (const { name, example } of published)
      await stack.publish(account, JSON.stringify({ event: name, payload: example ?? {} }));
    await waitFor(() => endpoint.events.length === published.length);
    const arrived = endpoint.events.map(({ rawBody }) => (JSON.parse(rawBody.toString()) as { event: string }).event);
    expect(arrived.toSorted()).toEqual(names.filter((name) => !isOperational(name)));
  });
});
