import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { OPERATIONAL_EVENTS, PublishEvent, toTypeId } from '@posthorn/contract';
import { z } from 'zod';

// What stands in the document beside the routes.
export const DOCUMENT: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'Posthorn',
    version: '',
    license: { name: 'MIT', identifier: 'MIT' },
    description: [
      'Event subscriptions with webhooks: publish events, and every matching subscription gets a signed POST.',
      '',
      '- JSON in UTF-8, nested at most 1000 deep. Bodies other than published events have at most 10,000 values (an event ' +
        'type: 50,000).',
      '- A request body may have one `Content-Encoding`: gzip, deflate or br. Limits hold before and after decompression.',
      '- Times are ISO 8601 in UTC with milliseconds.',
      '- `Authorization: Bearer <key>`: the operator key, or a key of one account. Another account’s object is a 404.',
      '- Lists are newest first. `nextCursor` of a page is the `cursor` of the next one; null: there is none. A page of deliveries or ' +
        'events may be short, or empty, and still have one: `searchedBackTo` then says how far back it has looked.',
      '- Errors are `application/problem+json`; switch on `code`.',
      '- `X-Request-Id` is echoed, or made.',
    ].join('\n'),
  },
  tags: [
    { name: 'Events', description: 'Publish, and look at what was published.' },
    { name: 'Subscriptions', description: 'Webhook URLs of an account, their verification, secrets and state.' },
    { name: 'Deliveries', description: 'What became of each event for each subscription.' },
    { name: 'Replays', description: 'Send deliveries again, or events that were missed.' },
    { name: 'Stream', description: 'What happens, as it happens.' },
    { name: 'Statistics', description: 'What happened, by the minute, the hour or the day.' },
    { name: 'Lookup', description: 'What an id is the id of.' },
    { name: 'Event types', description: 'The catalogue of what may be published.' },
    { name: 'Accounts', description: 'Tenants and their keys. Operator only.' },
    { name: 'Operations', description: 'How queues, workers and deliveries stand. Operator only.' },
    { name: 'Notifications', description: 'Emails about the webhooks of an account.' },
    { name: 'Sessions', description: 'Signing in, and portals for customers.' },
    { name: 'Audit log', description: 'Who changed what.' },
    { name: 'Papercups', description: 'The event subscriptions API of Papercups, over the same subscriptions.' },
    { name: 'Health', description: 'For load balancers, orchestrators and Prometheus.' },
  ],
  components: {
    securitySchemes: {
      operatorKey: {
        type: 'http',
        scheme: 'bearer',
        description: '`POSTHORN_OPERATOR_KEY`: every account, everything.',
      },
      accountKey: { type: 'http', scheme: 'bearer', description: 'A key of one account, with scopes.' },
      sessionCookie: {
        type: 'apiKey',
        in: 'cookie',
        name: '__Host-posthorn',
        description:
          'Of somebody who signed in with a key at `POST /v1/session`: what the key may do. Over http its name is `posthorn`. ' +
          'What is no GET needs the header `x-posthorn-csrf: 1` as well, and a page of the same origin.',
      },
      portalToken: {
        type: 'http',
        scheme: 'bearer',
        description: 'From `POST /v1/portal-session`: one account, and what the operator allowed the portal.',
      },
      papercupsToken: {
        type: 'apiKey',
        in: 'header',
        name: 'Authorization',
        description: 'A key of one account, without a scheme as Papercups had it, or as `Bearer <key>`.',
      },
    },
    headers: {
      'X-Request-Id': { description: 'Quote it when asking for help.', schema: { type: 'string' } },
      'Retry-After': { description: 'Seconds to wait before the next try.', schema: { type: 'integer' } },
      'Accept-Encoding': {
        description: 'Of a body whose `Content-Encoding` is not supported.',
        schema: { type: 'string' },
      },
      'WWW-Authenticate': { description: '`Bearer`.', schema: { type: 'string' } },
    },
  },
};

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objects = (value: unknown): Json[] => (isObject(value) ? Object.values(value).filter(isObject) : []);

/** Adds to the generated document what its makers cannot: headers, texts, webhooks; and tidies the names of its shapes. */
export function finishDocument<Document extends object>(
  document: Document,
  { optionalBodies }: { optionalBodies: Set<string> },
): Document {
  const finished = { ...document, webhooks: webhooks() };
  for (const operation of objects('paths' in finished && finished.paths).flatMap(objects)) {
    finishOperation(operation);
    const { requestBody, operationId } = operation;
    if (isObject(requestBody)) requestBody['required'] = !optionalBodies.has(String(operationId));
  }
  if ('components' in finished && isObject(finished.components)) tidyShapes(finished, finished.components);
  return finished;
}

function finishOperation(operation: Json): void {
  for (const parameter of Array.isArray(operation['parameters']) ? operation['parameters'] : []) {
    if (isObject(parameter) && parameter['in'] === 'header') parameter['name'] = headerCase(String(parameter['name']));
  }
  const { responses } = operation;
  for (const [status, response] of isObject(responses) ? Object.entries(responses) : []) {
    if (!isObject(response)) continue;
    if (response['description'] === 'Default Response') response['description'] = STATUS_TEXT[status] ?? 'The answer.';
    if (status === '204') delete response['content'];
    const names = ['X-Request-Id', ...(HEADERS_OF[status] ?? [])];
    const headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
    response['headers'] = { ...headers, ...(isObject(response['headers']) ? response['headers'] : {}) };
  }
}

const STATUS_TEXT: Record<string, string> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted.',
  204: 'Gone.',
  503: 'No.',
};
const HEADERS_OF: Record<string, string[]> = {
  401: ['WWW-Authenticate'],
  415: ['Accept-Encoding'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};
const headerCase = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

/** The generator emits each shape twice, as `X` for answers and as `XInput` for requests. What nobody refers to goes, and
 *  a shape of requests alone gets the plain name. */
function tidyShapes(document: Json, components: Json): void {
  const { schemas } = components;
  if (!isObject(schemas)) return;
  const references = new Map<string, Json[]>();
  const left: unknown[] = [{ ...document, components: { ...components, schemas: {} } }];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== 'object' || value === null) continue;
    const name = isObject(value) && typeof value['$ref'] === 'string' ? value['$ref'].replace(SHAPES, '') : null;
    if (isObject(value) && name !== null) {
      if (!references.has(name)) left.push(schemas[name]);
      references.set(name, [...(references.get(name) ?? []), value]);
    }
    for (const child of Object.values(value)) left.push(child);
  }
  const kept: Json = {};
  for (const [name, referrers] of [...references].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!(name in schemas)) continue;
    const plain = name.replace(/Input$/, '');
    const shown = references.has(plain) ? name : plain;
    kept[shown] = schemas[name];
    for (const referrer of referrers) referrer['$ref'] = `${SHAPES}${shown}`;
  }
  components['schemas'] = kept;
}

const SHAPES = '#/components/schemas/';

/** What receivers get. */
function webhooks(): Json {
  const types = ['message:created', 'conversation:created', 'conversation:updated'];
  const events = types.map((type) => [
    type,
    webhook(type, `\`${type}\`, to each subscription that wants it.`, eventBody(type)),
  ]);
  const handshake = webhook(
    'webhook:verify',
    'The handshake: answer 2xx with the payload, as text, as a JSON string, or as `{"challenge": …}`.',
    {
      type: 'object',
      properties: { event: { const: 'webhook:verify' }, payload: { type: 'string' } },
      required: ['event', 'payload'],
    },
  );
  const operational = Object.entries(OPERATIONAL_EVENTS).map(([type, payload]) => [
    type,
    webhook(
      type,
      `\`${type}\`, to the operators: to subscriptions of the operations account (\`OPERATIONS_ACCOUNT\`).`,
      {
        type: 'object',
        properties: { event: { const: type }, payload: shapeOf(payload) },
        required: ['event', 'payload'],
      },
    ),
  ]);
  return { ...Object.fromEntries(events), ...Object.fromEntries(operational), 'webhook:verify': handshake };
}

function eventBody(type: string): Json {
  const body = z.toJSONSchema(PublishEvent.omit({ event: true }), { unrepresentable: 'any', io: 'input' });
  return { type: 'object', properties: { event: { const: type }, ...body.properties }, required: ['event', 'payload'] };
}

/** A shape as it stands within another. */
function shapeOf(schema: z.ZodType): Json {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { unrepresentable: 'any' });
  return shape;
}

function webhook(type: string, summary: string, schema: Json): Json {
  const parameters = [
    [
      'webhook-id',
      'The event’s id, the same on every attempt: ignore what you have seen.',
      toTypeId('evt', EXAMPLE_UUID),
    ],
    ['webhook-timestamp', 'Seconds since 1970 of this attempt: refuse what is older than five minutes.', '1763751300'],
    [
      'webhook-signature',
      '`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; one for each valid secret.',
      'v1,K1EYnte2…',
    ],
  ].map(([name, description, example]) => ({
    name,
    in: 'header',
    required: true,
    description,
    schema: { type: 'string', examples: [example] },
  }));
  return {
    post: {
      operationId: `webhooks.${type}`,
      summary,
      tags: ['Events'],
      security: [],
      parameters,
      requestBody: { required: true, content: { 'application/json': { schema } } },
      responses: { '2XX': { description: 'Taken. Anything else is tried again; 410 disables the subscription.' } },
    },
  };
}

const EXAMPLE_UUID = '019a4d4e-7c6e-7a6a-8a8a-8d6f5c3b2a19';
