// The payloads of a chat app like Papercups: its keys in alphabetical order and its two time formats. Endpoints written for
// Papercups read exactly this.

import type { NewEvent } from '@posthorn/client';

export type Author = 'customer' | 'agent';

type Customer = {
  id: string;
  name: string;
  email: string;
  externalId: string;
  createdAt: Date;
  updatedAt: Date;
};
type Agent = { id: number; displayName: string; email: string; createdAt: Date };
/** The participants of a conversation and the account of the chat app. */
export type Participants = { accountId: string; inboxId: string; customer: Customer; agent: Agent };

export type Message = { id: string; conversationId: string; author: Author; body: string; at: Date };
export type Conversation = {
  id: string;
  createdAt: Date;
  lastActivityAt: Date | null;
  closedAt: Date | null;
  read: boolean;
};

/** The event of a message, with keys sorted at every level. */
export function messageCreated({ accountId, customer, agent }: Participants, message: Message): NewEvent {
  const byCustomer = message.author === 'customer';
  return newEvent('message:created', {
    account_id: accountId,
    attachments: [],
    body: message.body,
    content_type: 'text',
    conversation_id: message.conversationId,
    created_at: withoutZone(message.at),
    ...(byCustomer ? { customer: customerPayload(customer) } : {}), // absent, not null, on an agent's message
    customer_id: byCustomer ? customer.id : null,
    id: message.id,
    metadata: null,
    object: 'message',
    private: false,
    seen_at: null,
    sent_at: byCustomer ? withZone(message.at) : null,
    source: 'chat',
    type: 'reply',
    user: byCustomer ? null : agentPayload(agent),
    user_id: byCustomer ? null : agent.id,
  });
}

/** The event of a new or changed conversation. It contains the whole conversation. */
export function conversationEvent(
  type: 'conversation:created' | 'conversation:updated',
  { accountId, inboxId, customer }: Participants,
  conversation: Conversation,
): NewEvent {
  return newEvent(type, {
    account_id: accountId,
    assignee_id: null,
    closed_at: conversation.closedAt && withZone(conversation.closedAt),
    created_at: withoutZone(conversation.createdAt),
    customer_id: customer.id,
    id: conversation.id,
    inbox_id: inboxId,
    last_activity_at: conversation.lastActivityAt && withZone(conversation.lastActivityAt),
    metadata: null,
    object: 'conversation',
    priority: 'not_priority',
    read: conversation.read,
    source: 'chat',
    status: conversation.closedAt === null ? 'open' : 'closed',
    subject: null,
  });
}

const customerPayload = ({ id, name, email, externalId, createdAt, updatedAt }: Customer) => ({
  browser: 'Chrome',
  company_id: null,
  created_at: withoutZone(createdAt),
  current_url: 'http://myapp.co/account',
  email,
  external_id: externalId,
  host: 'myapp.co',
  id,
  metadata: { plan: 'premium' },
  name,
  object: 'customer',
  os: 'Mac OS X',
  pathname: '/account',
  phone: null,
  profile_photo_url: null,
  title: name,
  updated_at: withoutZone(updatedAt),
});

const agentPayload = ({ id, displayName, email, createdAt }: Agent) => ({
  archived_at: null,
  created_at: withoutZone(createdAt),
  disabled_at: null,
  display_name: displayName,
  email,
  full_name: null,
  id,
  object: 'user',
  profile_photo_url: null,
  role: 'admin',
});

const newEvent = (event: string, payload: object): NewEvent => ({ event, payload: sortKeys(payload) });

/** Sorts keys as Papercups does, because Posthorn sends the published bytes unchanged. */
function sortKeys(value: object): Record<string, unknown> {
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  return typeof value === 'object' && value !== null ? sortKeys(value) : value;
}

const withZone = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z');
const withoutZone = (at: Date): string => withZone(at).slice(0, -1);
