import { ApiProblem, ApiUnreachable, type NewEvent, type PublishedEvent } from '@posthorn/client';
import { describe, expect, test } from 'vitest';
import { openChat } from './chat.js';
import type { Participants } from './papercups-payload.js';

const participants: Participants = {
  accountId: 'a',
  inboxId: 'i',
  customer: {
    id: 'c',
    name: 'Joe',
    email: 'joe@example.com',
    externalId: 'x',
    createdAt: new Date(0),
    updatedAt: new Date(0),
  },
  agent: { id: 1, displayName: 'Alex', email: 'alex@example.com', createdAt: new Date(0) },
};

/** Posthorn as a publisher sees it: returns one id per key, and can be made unreachable. */
function openPosthorn() {
  const published: { event: string; payload: Record<string, unknown>; key: string }[] = [];
  const ids = new Map<string, string>();
  const posthorn = {
    published,
    failure: null as Error | null,
    publish: async ({ idempotencyKey = '', ...event }: NewEvent): Promise<PublishedEvent> => {
      if (posthorn.failure) throw posthorn.failure;
      const duplicate = ids.has(idempotencyKey);
      if (!duplicate) {
        ids.set(idempotencyKey, `evt_${ids.size + 1}`);
        published.push({ ...event, key: idempotencyKey });
      }
      return {
        id: ids.get(idempotencyKey) ?? '',
        accountId: 'demo',
        event: '',
        createdAt: '',
        deliveries: 1,
        fanOut: null,
        duplicate,
      };
    },
  };
  return posthorn;
}

function openDemoChat() {
  const posthorn = openPosthorn();
  const chat = openChat({ participants, publish: posthorn.publish, onChange: () => undefined });
  return { chat, posthorn, types: () => posthorn.published.map(({ event }) => event) };
}

describe('events of the chat', () => {
  test('publishes conversation:created after the first message of a conversation only', async () => {
    const { chat, posthorn, types } = openDemoChat();
    await chat.say('customer', 'Hello?');
    await chat.say('agent', 'Hello!');
    expect(types()).toEqual(['message:created', 'conversation:created', 'message:created']);
    const [first, created, second] = posthorn.published.map(({ payload }) => payload);
    expect(first?.conversation_id).toBe(created?.id);
    expect(second?.conversation_id).toBe(created?.id);
    expect([first?.customer_id, second?.user_id]).toEqual(['c', 1]);
  });

  test('publishes only message:created for the greeting', async () => {
    const { chat, types } = openDemoChat();
    await chat.greet('Hi!');
    expect(types()).toEqual(['message:created']);
  });

  test('publishes conversation:updated once when closed; the next message starts a new conversation', async () => {
    const { chat, posthorn, types } = openDemoChat();
    expect(await chat.close()).toBe(false);
    await chat.say('customer', 'Bye');
    expect([await chat.close(), await chat.close()]).toEqual([true, false]);
    await chat.say('customer', 'One more thing');
    expect(types()).toEqual([
      'message:created',
      'conversation:created',
      'conversation:updated',
      'message:created',
      'conversation:created',
    ]);
    const ids = posthorn.published
      .filter(({ event }) => event === 'conversation:created')
      .map(({ payload }) => payload.id);
    expect(new Set(ids).size).toBe(2);
  });
});

describe('publishing', () => {
  test('shows the event and its number of deliveries', async () => {
    const { chat } = openDemoChat();
    const line = await chat.say('customer', 'Hello?');
    expect(line.handedOver).toEqual({ state: 'accepted', eventId: 'evt_1', deliveries: 1 });
  });

  test.each([
    new ApiUnreachable('away'),
    new ApiProblem('busy', { status: 503, code: 'unavailable', errors: [], requestId: null, retryAfterMs: null }),
  ])(
    'a failed one is kept with its reason, and a retry sends the same bytes with the same key: %s',
    async (failure) => {
      const { chat, posthorn } = openDemoChat();
      posthorn.failure = failure;
      const line = await chat.greet('Hi!');
      expect(line.handedOver).toEqual({ state: 'failed', problem: failure.message });

      posthorn.failure = null;
      await chat.retry(line.id);
      await chat.retry(line.id);
      expect(posthorn.published).toMatchObject([{ event: 'message:created', key: line.id, payload: { body: 'Hi!' } }]);
      expect(chat.view().lines[0]?.handedOver.state).toBe('accepted');
    },
  );

  test('returns null for a line that is no longer stored', async () => {
    expect(await openDemoChat().chat.retry('nothing')).toBeNull();
  });
});
