import type { NewEvent } from '@posthorn/client';
import { describe, expect, test } from 'vitest';
import { type Participants, conversationEvent, messageCreated } from './papercups-payload.js';

// The bytes that Papercups sent, from its public code and documents: endpoints written for it read exactly this.
const CUSTOMER_MESSAGE =
  '{"event":"message:created","payload":{"account_id":"11111111-1111-4111-8111-111111111111","attachments":[],"body":"Hey there!","content_type":"text","conversation_id":"22222222-2222-4222-8222-222222222222","created_at":"2021-02-24T00:10:45","customer":{"browser":"Chrome","company_id":null,"created_at":"2021-02-02T20:35:01","current_url":"http://myapp.co/account","email":"joe@example.com","external_id":"a1b2c3d4e5","host":"myapp.co","id":"33333333-3333-4333-8333-333333333333","metadata":{"plan":"premium"},"name":"Joe","object":"customer","os":"Mac OS X","pathname":"/account","phone":null,"profile_photo_url":null,"title":"Joe","updated_at":"2021-02-24T00:10:43"},"customer_id":"33333333-3333-4333-8333-333333333333","id":"44444444-4444-4444-8444-444444444444","metadata":null,"object":"message","private":false,"seen_at":null,"sent_at":"2021-02-24T00:10:45Z","source":"chat","type":"reply","user":null,"user_id":null}}';
const AGENT_MESSAGE =
  '{"event":"message:created","payload":{"account_id":"11111111-1111-4111-8111-111111111111","attachments":[],"body":"How can I help you?","content_type":"text","conversation_id":"22222222-2222-4222-8222-222222222222","created_at":"2021-02-25T20:10:00","customer_id":null,"id":"55555555-5555-4555-8555-555555555555","metadata":null,"object":"message","private":false,"seen_at":null,"sent_at":null,"source":"chat","type":"reply","user":{"archived_at":null,"created_at":"2020-12-03T18:47:37","disabled_at":null,"display_name":"Alex","email":"alex@example.com","full_name":null,"id":1,"object":"user","profile_photo_url":null,"role":"admin"},"user_id":1}}';
const NEW_CONVERSATION =
  '{"event":"conversation:created","payload":{"account_id":"11111111-1111-4111-8111-111111111111","assignee_id":null,"closed_at":null,"created_at":"2021-02-24T00:20:30","customer_id":"33333333-3333-4333-8333-333333333333","id":"22222222-2222-4222-8222-222222222222","inbox_id":"66666666-6666-4666-8666-666666666666","last_activity_at":null,"metadata":null,"object":"conversation","priority":"not_priority","read":false,"source":"chat","status":"open","subject":null}}';

const participants: Participants = {
  accountId: '11111111-1111-4111-8111-111111111111',
  inboxId: '66666666-6666-4666-8666-666666666666',
  customer: {
    id: '33333333-3333-4333-8333-333333333333',
    name: 'Joe',
    email: 'joe@example.com',
    externalId: 'a1b2c3d4e5',
    createdAt: new Date('2021-02-02T20:35:01Z'),
    updatedAt: new Date('2021-02-24T00:10:43Z'),
  },
  agent: { id: 1, displayName: 'Alex', email: 'alex@example.com', createdAt: new Date('2020-12-03T18:47:37Z') },
};
const conversationId = '22222222-2222-4222-8222-222222222222';

/** As the client sends it. */
const bytes = (event: NewEvent): string => JSON.stringify(event);

describe('the same bytes as Papercups', () => {
  test('message:created of a customer, without milliseconds', () => {
    const at = new Date('2021-02-24T00:10:45.678Z');
    const message = {
      id: '44444444-4444-4444-8444-444444444444',
      conversationId,
      author: 'customer',
      body: 'Hey there!',
      at,
    } as const;
    expect(bytes(messageCreated(participants, message))).toBe(CUSTOMER_MESSAGE);
  });

  test('message:created of an agent, with a user and without a customer key', () => {
    const at = new Date('2021-02-25T20:10:00Z');
    const message = {
      id: '55555555-5555-4555-8555-555555555555',
      conversationId,
      author: 'agent',
      body: 'How can I help you?',
      at,
    } as const;
    expect(bytes(messageCreated(participants, message))).toBe(AGENT_MESSAGE);
  });

  test('conversation:created has the keys, order and time formats of Papercups', () => {
    const conversation = {
      id: conversationId,
      createdAt: new Date('2021-02-24T00:20:30Z'),
      lastActivityAt: null,
      closedAt: null,
      read: false,
    };
    expect(bytes(conversationEvent('conversation:created', participants, conversation))).toBe(NEW_CONVERSATION);
  });
});

test('conversation:updated contains the whole closed conversation', () => {
  const conversation = {
    id: conversationId,
    createdAt: new Date('2021-02-24T00:20:30Z'),
    lastActivityAt: new Date('2021-02-24T00:21:00Z'),
    closedAt: new Date('2021-02-24T00:22:00Z'),
    read: true,
  };
  const { event, payload } = conversationEvent('conversation:updated', participants, conversation);
  expect(event).toBe('conversation:updated');
  expect(Object.keys(payload)).toEqual(Object.keys(JSON.parse(NEW_CONVERSATION).payload));
  expect(payload).toMatchObject({
    status: 'closed',
    closed_at: '2021-02-24T00:22:00Z',
    last_activity_at: '2021-02-24T00:21:00Z',
    read: true,
  });
});
