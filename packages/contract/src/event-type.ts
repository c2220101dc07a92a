import { z } from 'zod';
import { listOf } from './list.js';
import { anyObject, anyObjectOrNull, jsonObject, rawObject, text, time } from './text.js';

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

const ENFORCEMENTS = ['off', 'reject'] as const;
const ENFORCEMENT_TEXT =
  '`reject`: a publish whose payload does not match the schema is a 422. `off`: the schema only documents. Test events are never refused.';
const Enforcement = z.enum(ENFORCEMENTS).describe(ENFORCEMENT_TEXT);

export const EventType = z
  .object({
    name: EventTypeName,
    description: z.string().nullable().describe('Description for people, in Markdown.'),
    example: anyObjectOrNull('Example of a payload. null: none.'),
    schema: anyObjectOrNull('JSON Schema (2020-12) of the payload. null: none.'),
    schemaVersion: z
      .int()
      .nullable()
      .describe('Version of the schema: 1 for the first one, one more whenever the schema changes. null: no schema.'),
    enforcement: Enforcement,
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
      .describe(
        'JSON Schema (2020-12) of the payload, at most 256 KiB. `$ref` leads only to places within it, and patterns have no look-around or back-references. ' +
          '`format` documents and does not validate.',
      ),
    enforcement: z
      .enum(ENFORCEMENTS)
      .default('off')
      .describe(
        `${ENFORCEMENT_TEXT} \`reject\` requires a schema with at most 400 schemas within it, which the example matches.`,
      ),
    deprecated: z.boolean().default(false).describe('Marks the type as deprecated. It can still be published.'),
  })
  .meta({
    id: 'PutEventType',
    description: 'The whole entry: absent fields are reset to their defaults.',
    examples: [{ description: 'A customer was merged into another.', example: { id: 'c_1', into: 'c_2' } }],
  });
export type PutEventType = z.infer<typeof PutEventType>;

export const EventTypeSchema = z
  .object({
    version: z.int().describe('Counts from 1.'),
    schema: anyObject('The JSON Schema.'),
    createdAt: time('When this version was saved.'),
  })
  .meta({ id: 'EventTypeSchema', description: 'A version of the schema of an event type.' });
export type EventTypeSchema = z.infer<typeof EventTypeSchema>;

export const EventTypeSchemaList = listOf(EventTypeSchema, 'EventTypeSchemaList');

export const ImportQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .describe('`true`: returns what would change, and changes nothing.'),
});

export const OpenapiDocument = rawObject(
  'An OpenAPI 3.1 document. Only `webhooks` and the `components` that they refer to are read.',
).meta({
  id: 'OpenapiDocument',
  examples: [
    {
      openapi: '3.1.0',
      info: { title: 'Acme', version: '1.0.0' },
      webhooks: {
        'order:shipped': {
          post: { requestBody: { content: { 'application/json': { schema: { type: 'object', required: ['id'] } } } } },
        },
      },
    },
  ],
});

const names = (what: string) => z.array(EventTypeName).describe(what);
export const ImportedEventTypes = z
  .object({
    dryRun: z.boolean().describe('Whether nothing was changed.'),
    created: names('New types.'),
    updated: names('Types whose description, example, schema or deprecation changes.'),
    unchanged: names('Types that are already as the document describes them.'),
    refused: z
      .array(
        z.object({
          name: z.string().describe('The key of the webhook in the document.'),
          reason: z.string().describe('What to change in the document.'),
        }),
      )
      .describe(
        'Webhooks that cannot be imported. Only in a dry run: otherwise they make the import a 422, which changes nothing.',
      ),
  })
  .meta({ id: 'ImportedEventTypes' });
export type ImportedEventTypes = z.infer<typeof ImportedEventTypes>;
