import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import {
  OPERATIONAL_EVENTS,
  type ProblemCode,
  problemCodes,
  PROBLEMS,
  PublishEvent,
  ReadLagSeconds,
  toTypeId,
} from '@posthorn/contract';
import { z } from 'zod';
import { exampleProblem } from './problem-examples.js';

/** The header with this schema. */
function headerOf(shape: z.ZodType): { description: string; schema: object } {
  const { description = '', ...schema } = shapeOf(shape);
  return { description: String(description), schema };
}

// The parts of the document that do not come from routes.
export const DOCUMENT: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'Posthorn',
    version: '',
    license: { name: 'MIT', identifier: 'MIT' },
    description: [
      'Event subscriptions with webhooks: publish events, and every matching subscription gets a signed POST.',
      '',
      '- Bodies are JSON in UTF-8, nested at most 1000 deep. Except for published events, a body has at most 10,000 values ' +
        '(50,000 for an event type).',
      '- A request body may have one `Content-Encoding`: gzip, deflate or br. Limits apply before and after decompression.',
      '- Times are ISO 8601 in UTC with milliseconds.',
      '- Authenticate with `Authorization: Bearer <key>`: the operator key, or a key of one account. Objects of other accounts are a 404.',
      '- Lists are newest first. Pass `nextCursor` of a page as `cursor` for the next page; null: last page. A page of deliveries or ' +
        'events may be short or empty and still have a next page: `searchedBackTo` says how far back it searched.',
      '- Errors are `application/problem+json`. Switch on `code`.',
      '- Every response has an `X-Request-Id`: yours, or a generated one.',
    ].join('\n'),
  },
  tags: [
    { name: 'Events', description: 'Publish events, and read published ones.' },
    { name: 'Subscriptions', description: 'Webhook URLs of an account, their verification, secrets and state.' },
    { name: 'Deliveries', description: 'One delivery per event and subscription, with its attempts.' },
    { name: 'Replays', description: 'Send failed deliveries or missed events again.' },
    { name: 'Stream', description: 'Deliveries and attempts as they happen.' },
    { name: 'Statistics', description: 'Counts and durations per minute, hour or day.' },
    { name: 'Lookup', description: 'Find the object with an id.' },
    { name: 'Event types', description: 'The catalogue of event types that can be published.' },
    { name: 'Accounts', description: 'Tenants and their keys. Operator only.' },
    { name: 'Operations', description: 'State of queues, workers and deliveries. Operator only.' },
    { name: 'Notifications', description: 'Emails about the webhooks of an account.' },
    { name: 'Sessions', description: 'Console sessions, and portals for customers.' },
    { name: 'Audit log', description: 'Who changed what.' },
    { name: 'Papercups', description: 'The event subscriptions API of Papercups, for the same subscriptions.' },
    { name: 'Health', description: 'For load balancers, orchestrators and Prometheus.' },
  ],
  components: {
    securitySchemes: {
      operatorKey: {
        type: 'http',
        scheme: 'bearer',
        description: '`POSTHORN_OPERATOR_KEY`: full access to all accounts.',
      },
      accountKey: { type: 'http', scheme: 'bearer', description: 'A key of one account, with scopes.' },
      sessionCookie: {
        type: 'apiKey',
        in: 'cookie',
        name: '__Host-posthorn',
        description:
          'Set by `POST /v1/session`, with the permissions of the key that signed in. Over http its name is `posthorn`. ' +
          'Requests other than GET also need the header `x-posthorn-csrf: 1` and must come from a page of the same origin.',
      },
      portalToken: {
        type: 'http',
        scheme: 'bearer',
        description:
          'From `POST /v1/portal-session`: access to one account, with the capabilities that the operator chose.',
      },
      papercupsToken: {
        type: 'apiKey',
        in: 'header',
        name: 'Authorization',
        description: 'A key of one account, without a scheme as in Papercups, or as `Bearer <key>`.',
      },
    },
    headers: {
      'X-Request-Id': { description: 'Include it when you ask for support.', schema: { type: 'string' } },
      'Retry-After': { description: 'Seconds to wait before the next request.', schema: { type: 'integer' } },
      'Accept-Encoding': {
        description: 'The supported values of `Content-Encoding`.',
        schema: { type: 'string' },
      },
      'WWW-Authenticate': { description: '`Bearer`.', schema: { type: 'string' } },
      'Posthorn-Read-Lag-Seconds': headerOf(ReadLagSeconds),
    },
    // Named by the code of the problem.
    examples: Object.fromEntries(
      problemCodes.map((code) => [code, { summary: PROBLEMS[code].title, value: exampleProblem(code) }]),
    ),
  },
};

/** Sent by routes that may read from a replica, with their success. */
const READ_LAG = 'Posthorn-Read-Lag-Seconds';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objects = (value: unknown): Json[] => (isObject(value) ? Object.values(value).filter(isObject) : []);

/** Adds headers, descriptions, examples of problems and webhooks to the generated document, and cleans up the names of its schemas. */
export function finishDocument<Document extends object>(
  document: Document,
  {
    optionalBodies,
    mayLag,
    problems,
  }: { optionalBodies: Set<string>; mayLag: Set<string>; problems: Map<string, Set<ProblemCode>> },
): Document {
  const finished = { ...document, webhooks: webhooks() };
  for (const operation of objects('paths' in finished && finished.paths).flatMap(objects)) {
    const { requestBody, operationId } = operation;
    finishOperation(operation, mayLag.has(String(operationId)));
    addProblemExamples(operation, problems.get(String(operationId)) ?? new Set());
    if (isObject(requestBody)) requestBody['required'] = !optionalBodies.has(String(operationId));
  }
  if ('components' in finished && isObject(finished.components)) tidySchemas(finished, finished.components);
  return finished;
}

function finishOperation(operation: Json, mayLag: boolean): void {
  for (const parameter of Array.isArray(operation['parameters']) ? operation['parameters'] : []) {
    if (isObject(parameter) && parameter['in'] === 'header') parameter['name'] = headerCase(String(parameter['name']));
  }
  const { responses } = operation;
  for (const [status, response] of isObject(responses) ? Object.entries(responses) : []) {
    if (!isObject(response)) continue;
    if (response['description'] === 'Default Response')
      response['description'] = STATUS_TEXT[status] ?? 'The response.';
    if (status === '204') delete response['content'];
    const names = ['X-Request-Id', ...(HEADERS_OF[status] ?? []), ...(mayLag && status === '200' ? [READ_LAG] : [])];
    const headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
    response['headers'] = { ...headers, ...(isObject(response['headers']) ? response['headers'] : {}) };
  }
}

/** Each response gets the examples of the problems with its status. */
function addProblemExamples({ responses }: Json, codes: Set<ProblemCode>): void {
  for (const [status, response] of isObject(responses) ? Object.entries(responses) : []) {
    const content = isObject(response) && isObject(response['content']) ? response['content'] : {};
    const problem = content['application/problem+json'];
    const shown = [...codes].filter((code) => PROBLEMS[code].status === Number(status));
    if (isObject(problem) && shown.length > 0)
      problem['examples'] = Object.fromEntries(shown.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  }
}

const STATUS_TEXT: Record<string, string> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted.',
  204: 'Done, without content.',
  503: 'Not ready.',
};
const HEADERS_OF: Record<string, string[]> = {
  401: ['WWW-Authenticate'],
  415: ['Accept-Encoding'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};
const headerCase = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

/** The generator emits each schema twice: `X` for responses and `XInput` for requests. Removes unreferenced ones, and gives
 *  a schema that only requests use the plain name. */
function tidySchemas(document: Json, components: Json): void {
  const { schemas } = components;
  if (!isObject(schemas)) return;
  const references = new Map<string, Json[]>();
  const queue: unknown[] = [{ ...document, components: { ...components, schemas: {} } }];
  while (queue.length > 0) {
    const value = queue.pop();
    if (typeof value !== 'object' || value === null) continue;
    const name = isObject(value) && typeof value['$ref'] === 'string' ? value['$ref'].replace(SHAPES, '') : null;
    if (isObject(value) && name !== null) {
      if (!references.has(name)) queue.push(schemas[name]);
      references.set(name, [...(references.get(name) ?? []), value]);
    }
    for (const child of Object.values(value)) queue.push(child);
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

/** The requests that endpoints receive. */
function webhooks(): Json {
  const types = ['message:created', 'conversation:created', 'conversation:updated'];
  const events = types.map((type) => [
    type,
    webhook(type, `\`${type}\`, sent to each matching subscription.`, eventBody(type)),
  ]);
  const handshake = webhook(
    'webhook:verify',
    'The handshake. Return 2xx with the payload as text, as a JSON string, or as `{"challenge": …}`.',
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
      `\`${type}\`, sent to the operators: to matching subscriptions of the account \`OPERATIONS_ACCOUNT\`.`,
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

/** The JSON Schema for use inside another schema. */
function shapeOf(schema: z.ZodType): Json {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { unrepresentable: 'any' });
  return shape;
}

function webhook(type: string, summary: string, schema: Json): Json {
  const parameters = [
    [
      'webhook-id',
      'The id of the event, the same on every attempt. Ignore an id that you have processed.',
      toTypeId('evt', EXAMPLE_UUID),
    ],
    [
      'webhook-timestamp',
      'Time of this attempt in seconds since 1970. Reject requests that are older than five minutes.',
      '1763751300',
    ],
    [
      'webhook-signature',
      '`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, once for each valid secret.',
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
      responses: {
        '2XX': {
          description: 'Delivered. Any other response is retried, except 410, which disables the subscription.',
        },
      },
    },
  };
}

const EXAMPLE_UUID = '019a4d4e-7c6e-7a6a-8a8a-8d6f5c3b2a19';
