import { openEndpoint, waitFor } from '@posthorn/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

describe('operators', () => {
  const [backend = 'postgres'] = inject('queueBackends');
  let stack: Stack;
  beforeAll(async () => void (stack = await startStack({ backend, env: { OPERATIONS_ACCOUNT: 'operations' } })));
  afterAll(() => stack?.stop());

  it('get a signed webhook about a disabled subscription; tenants that subscribe to all events do not', async () => {
    const [operators, tenant] = [await openEndpoint(), await openEndpoint()];
    await stack.call('PUT', '/v1/accounts/operations', { operations: true });
    const subscriptions = '/v1/accounts/operations/subscriptions';
    const mine = await stack.call<{ id: string }>('POST', subscriptions, {
      url: operators.url,
      events: ['subscription:*', 'delivery:failed'],
    });
    await waitFor(async () => (await stack.call(`GET`, `${subscriptions}/${mine.id}`))['status'] === 'active');
    const { secret } = await stack.call<{ secret: string }>('GET', `${subscriptions}/${mine.id}/secret`);

    const theirs = await stack.subscribe(tenant.url);
    await stack.call('POST', `/v1/accounts/${theirs.account}/subscriptions`, { url: tenant.url });
    await stack.call('POST', `/v1/accounts/${theirs.account}/subscriptions/${theirs.id}/disable`);

    const event = await waitFor(() => operators.events[0]);
    expect(new Webhook(secret).verify(event.rawBody.toString('utf8'), event.headers)).toMatchObject({
      event: 'subscription:disabled',
      payload: {
        accountId: theirs.account,
        subscriptionId: theirs.id,
        reason: 'manual',
        endpointHost: new URL(tenant.url).host,
      },
    });
    expect(operators.events).toHaveLength(1);
    expect(tenant.events).toHaveLength(0);
    await operators.close();
    await tenant.close();
  });

  it('cannot publish operational events over the API, nor can tenants', async () => {
    const { account } = await stack.subscribe((await openEndpoint()).url);
    const refused = stack.publish(account, '{"event":"subscription:disabled","payload":{}}');
    await expect(refused).rejects.toThrow(/422.*"path":"event".*Posthorn’s operational events/);
  });
});
