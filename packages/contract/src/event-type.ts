import { z } from 'zod';
import { listOf } from './list.js';
import { anyObjectOrNull, jsonObject, text, time } from './text.js';

/** `message:created`: segments of letters, digits, `_`, `.` and `-`, joined by colons. */
export const EVENT_TYPE_NAME = /^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*$/;
/** An exact name, or all types with a first segment: `message:*`. */
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
    'must be an event type such as message:created, or a first segment such as message:*; omit events for all types',
  )
  .meta({ description: 'An event type, or all types with a first segment: `message:*`.', examples: ['message:*'] });

export const EventType = z
  .object({
    name: EventTypeName,
    description: z.string().nullable().describe('Description for people, in Markdown.'),
    example: anyObjectOrNull('Example of a payload. null: none.'),
    schema: anyObjectOrNull(
      'JSON Schema of the payload, for people and tools. Posthorn does not validate events against it. null: none.',
    ),
    deprecated: z.boolean().describe('Whether the type is deprecated. It can still be published.'),
    operational: z
      .boolean()
      .describe(
        'Whether it is a type of Posthorn’s own events, which you can neither publish nor change. A subscription gets them only if it ' +
          'names this exact type. They are about the other subscriptions of the account.',
      ),
    subscriptionCount: z
      .int()
      .describe(
        'Number of active and paused subscriptions that receive it. With an account key: those of the account, otherwise of all accounts.',
      ),
    createdAt: time('When it was added.'),
    updatedAt: time('When it was last changed.'),
  })
  .meta({ id: 'EventType', description: 'An event type of the catalogue.' });
export type EventType = z.infer<typeof EventType>;

export const EventTypeList = listOf(EventType, 'EventTypeList');

export const PutEventType = z
  .strictObject({
    description: text(1, 10_000)
      .nullable()
      .default(null)
      .describe('Description for people, in Markdown, at most 10,000 characters.'),
    example: jsonObject({ maxDepth: 100, maxBytes: 256 * 1024 })
      .nullable()
      .default(null)
      .describe('Example of a payload, at most 256 KiB. Test events send it.'),
    schema: jsonObject({ maxDepth: 100, maxBytes: 256 * 1024 })
      .nullable()
      .default(null)
      .describe('JSON Schema of the payload, for people and tools. Posthorn does not validate events against it.'),
    deprecated: z.boolean().default(false).describe('Marks the type as deprecated. It can still be published.'),
  })
  .meta({
    id: 'PutEventType',
    description: 'The whole entry: absent fields are reset to their defaults.',
    examples: [{ description: 'A customer was merged into another.', example: { id: 'c_1', into: 'c_2' } }],
  });
export type PutEventType = z.infer<typeof PutEventType>;
