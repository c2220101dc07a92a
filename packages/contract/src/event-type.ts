import { z } from 'zod';
import { listOf } from './list.js';
import { anyObjectOrNull, jsonObject, text, time } from './text.js';

/** `message:created`: segments of letters, digits, `_`, `.` and `-`, joined by colons. */
export const EVENT_TYPE_NAME = /^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*$/;
/** An exact name, or every type of a first segment: `message:*`. */
const EVENT_TYPE_PATTERN = /^[A-Za-z0-9_.-]+((:[A-Za-z0-9_.-]+)*|:\*)$/;

const NAME_RULE = 'must be names of letters, digits, _ . - joined by colons, such as message:created';

export const EventTypeName = z
  .string()
  .max(128, 'must have at most 128 characters')
  .regex(EVENT_TYPE_NAME, NAME_RULE)
  .meta({ description: 'Name of an event type, at most 128 characters.', examples: ['message:created'] });

export const EventTypePattern = z
  .string()
  .max(128, 'must have at most 128 characters')
  .regex(
    EVENT_TYPE_PATTERN,
    'must be an event type such as message:created, or a first segment such as message:*; leave events out for all types',
  )
  .meta({ description: 'An event type, or every type of a first segment: `message:*`.', examples: ['message:*'] });

export const EventType = z
  .object({
    name: EventTypeName,
    description: z.string().nullable().describe('For people, Markdown.'),
    example: anyObjectOrNull('A payload as it may come; null: none given.'),
    schema: anyObjectOrNull('JSON Schema of the payload, for people and tools: events are not checked against it.'),
    deprecated: z.boolean().describe('Still published, but nobody new should rely on it.'),
    operational: z
      .boolean()
      .describe(
        'Posthorn’s own: it can be neither published nor changed. A subscription gets it only if it names this exact type; it tells ' +
          'of the other subscriptions of the account.',
      ),
    subscriptionCount: z
      .int()
      .describe(
        'How many active and paused subscriptions get it. With an account key: of the account; otherwise of all accounts.',
      ),
    createdAt: time('When it was added.'),
    updatedAt: time('When it was last changed.'),
  })
  .meta({ id: 'EventType', description: 'An entry of the catalogue: what may be published.' });
export type EventType = z.infer<typeof EventType>;

export const EventTypeList = listOf(EventType, 'EventTypeList');

export const PutEventType = z
  .strictObject({
    description: text(1, 10_000).nullable().default(null).describe('For people, Markdown, at most 10 000 characters.'),
    example: jsonObject({ maxDepth: 100, maxBytes: 256 * 1024 })
      .nullable()
      .default(null)
      .describe('A payload as it may come, at most 256 KiB: what a test event sends.'),
    schema: jsonObject({ maxDepth: 100, maxBytes: 256 * 1024 })
      .nullable()
      .default(null)
      .describe('JSON Schema of the payload, for people and tools: events are not checked against it.'),
    deprecated: z.boolean().default(false).describe('Still published, but nobody new should rely on it.'),
  })
  .meta({
    id: 'PutEventType',
    description: 'The whole entry: what is absent is emptied.',
    examples: [{ description: 'A customer was merged into another.', example: { id: 'c_1', into: 'c_2' } }],
  });
export type PutEventType = z.infer<typeof PutEventType>;
