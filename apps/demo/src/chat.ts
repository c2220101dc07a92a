import { randomUUID } from 'node:crypto';
import { type NewEvent, PosthornError, type PublishedEvent } from '@posthorn/client';
import { type Author, type Participants, conversationEvent, messageCreated } from './papercups-payload.js';

/** A line of the chat, and the state of its event. */
export type ChatLine = {
  id: string;
  at: string;
  kind: Author | 'system';
  text: string;
  event: 'message:created' | 'conversation:created' | 'conversation:updated';
  handedOver:
    | { state: 'sending' }
    | { state: 'accepted'; eventId: string; deliveries: number }
    | { state: 'failed'; problem: string };
};

export type ChatView = { open: boolean; lines: ChatLine[] };

export type Chat = ReturnType<typeof openChat>;

type Publish = (event: NewEvent) => Promise<PublishedEvent>;

/** A chat of one customer and one agent that publishes its events as a chat app's server would: it stores its own data first, and
 *  each event has an idempotency key, so publishing can be repeated after any failure. */
export function openChat(options: {
  participants: Participants;
  publish: Publish;
  onChange: (view: ChatView) => void;
}) {
  const { participants, publish, onChange } = options;
  let lines: ChatLine[] = [];
  const events = new Map<string, NewEvent>();
  let conversation = newConversation();

  const view = (): ChatView => ({ open: conversation.closedAt === null, lines });

  async function addLine(
    line: Pick<ChatLine, 'kind' | 'text' | 'event'>,
    id: string,
    event: NewEvent,
  ): Promise<ChatLine> {
    const added: ChatLine = { ...line, id, at: new Date().toISOString(), handedOver: { state: 'sending' } };
    lines = [...lines, added].slice(-MAX_LINES);
    for (const known of events.keys()) if (!lines.some(({ id: shown }) => shown === known)) events.delete(known);
    events.set(id, event);
    await handOver(added);
    return added;
  }

  /** Never throws for a failed request: the line shows the problem and a button to try again. */
  async function handOver(line: ChatLine): Promise<void> {
    const event = events.get(line.id);
    if (event === undefined) return;
    line.handedOver = { state: 'sending' };
    onChange(view());
    try {
      const { id, deliveries } = await publish({ ...event, idempotencyKey: line.id });
      line.handedOver = { state: 'accepted', eventId: id, deliveries };
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      line.handedOver = { state: 'failed', problem: error.message };
    }
    onChange(view());
  }

  async function say(author: Author, text: string, { announce = true } = {}): Promise<ChatLine> {
    if (conversation.closedAt !== null) conversation = newConversation();
    const at = new Date();
    const id = randomUUID();
    conversation.lastActivityAt = at;
    const message = { id, conversationId: conversation.id, author, body: text, at };
    // Papercups sends the message first, then its conversation, and waits for neither.
    const said = addLine({ kind: author, text, event: 'message:created' }, id, messageCreated(participants, message));
    const [line] = await Promise.all([said, announce ? announceConversation() : null]);
    return line;
  }

  async function announceConversation(): Promise<void> {
    if (conversation.announced) return;
    conversation.announced = true;
    const created = conversationEvent('conversation:created', participants, { ...conversation, lastActivityAt: null });
    const line = { kind: 'system', text: 'Conversation started', event: 'conversation:created' } as const;
    await addLine(line, `${conversation.id}-created`, created);
  }

  return {
    view,

    /** The first message, sent by the demo: it publishes only `message:created`. */
    greet: (text: string): Promise<ChatLine> => say('customer', text, { announce: false }),

    say: (author: Author, text: string): Promise<ChatLine> => say(author, text),

    /** Returns false if no conversation is open. */
    async close(): Promise<boolean> {
      if (conversation.closedAt !== null || conversation.lastActivityAt === null) return false;
      conversation.closedAt = new Date();
      const updated = conversationEvent('conversation:updated', participants, { ...conversation, read: true });
      const line = { kind: 'system', text: 'Conversation closed', event: 'conversation:updated' } as const;
      await addLine(line, `${conversation.id}-closed`, updated);
      return true;
    },

    /** Publishes a line's event again. Returns null for an unknown line. Safe to repeat, because the key is the same. */
    async retry(id: string): Promise<ChatLine | null> {
      const line = lines.find((candidate) => candidate.id === id);
      if (line?.handedOver.state === 'failed') await handOver(line);
      return line ?? null;
    },
  };
}

const MAX_LINES = 100;

type OpenConversation = {
  id: string;
  createdAt: Date;
  lastActivityAt: Date | null;
  closedAt: Date | null;
  read: boolean;
  /** Whether `conversation:created` was published. */
  announced: boolean;
};

const newConversation = (): OpenConversation => ({
  id: randomUUID(),
  createdAt: new Date(),
  lastActivityAt: null,
  closedAt: null,
  read: false,
  announced: false,
});
