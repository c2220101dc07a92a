import { EVENT_TYPE_NAME, isOperational } from '@posthorn/contract';
import { escapePointer, isObject } from './schema-keywords.js';

/** An event type that an OpenAPI document describes. null: the document does not say. */
export interface DescribedType {
  name: string;
  description: string | null;
  example: Record<string, unknown> | null;
  schema: Record<string, unknown> | null;
  deprecated: boolean;
}

export interface RefusedWebhook {
  name: string;
  /** What is wrong, and where in the document. */
  reason: string;
}

export type ReadWebhooks =
  | { outcome: 'read'; types: DescribedType[]; refused: RefusedWebhook[] }
  /** Nothing can be imported. `path` is the field of the document. */
  | { outcome: 'not_openapi'; path: string; message: string };

const HANDSHAKE_TYPE = 'webhook:verify';
const DIALECTS = ['https://spec.openapis.org/oas/3.1/dialect/base', 'https://json-schema.org/draft/2020-12/schema'];

/** Reads the event types from the `webhooks` of an OpenAPI document. The key of a webhook is the name of the type. Its schema is that of
 *  the request body, or of its `payload` if the body is Posthorn's `{event, payload}`. */
export function readWebhooks(document: Record<string, unknown>): ReadWebhooks {
  const { openapi, webhooks, jsonSchemaDialect } = document;
  if (typeof openapi !== 'string' || !/^3\.[12]\./.test(openapi)) {
    return notOpenapi('openapi', 'must be 3.1.x: only OpenAPI 3.1 has webhooks. Convert an older document first');
  }
  if (jsonSchemaDialect !== undefined && !DIALECTS.some((dialect) => dialect === jsonSchemaDialect)) {
    return notOpenapi('jsonSchemaDialect', `must be absent, or ${DIALECTS[0]}`);
  }
  if (!isObject(webhooks) || Object.keys(webhooks).length === 0) {
    return notOpenapi('webhooks', 'must be an object with a webhook for each event type');
  }
  const types: DescribedType[] = [];
  const refused: RefusedWebhook[] = [];
  for (const [name, item] of Object.entries(webhooks)) {
    try {
      types.push(describe(document, requireName(name), item));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      refused.push({ name, reason: error.message });
    }
  }
  return { outcome: 'read', types, refused };
}

const notOpenapi = (path: string, message: string) => ({ outcome: 'not_openapi' as const, path, message });

class Unreadable extends Error {}

function unreadable(reason: string): never {
  throw new Unreadable(reason);
}

function requireName(name: string): string {
  if (!EVENT_TYPE_NAME.test(name) || name.length > 128) {
    unreadable(
      'its key must be letters, digits, _ . - joined by colons, such as message:created, at most 128 characters',
    );
  }
  if (name === HANDSHAKE_TYPE) unreadable('this name is reserved for the handshake: choose another one');
  if (isOperational(name)) unreadable('this is a type of Posthorn’s own events: choose another name');
  return name;
}

function describe(document: Record<string, unknown>, name: string, webhook: unknown): DescribedType {
  const item = follow(document, webhook, 'the webhook');
  const post = item['post'];
  if (!isObject(post)) unreadable('has no post: Posthorn sends events with POST');
  const described = {
    name,
    description:
      textIn(post, 'description') ?? textIn(post, 'summary') ?? textIn(item, 'description') ?? textIn(item, 'summary'),
    deprecated: post['deprecated'] === true,
  };
  if (post['requestBody'] === undefined) return { ...described, example: null, schema: null };
  const { content } = follow(document, post['requestBody'], 'requestBody');
  const media = isObject(content) ? Object.entries(content).find(([type]) => IS_JSON.test(type))?.[1] : undefined;
  if (!isObject(media)) unreadable('requestBody has no content application/json');
  const body = media['schema'];
  if (body === undefined) return { ...described, example: payloadIn(exampleIn(document, media)), schema: null };
  if (!isObject(body)) unreadable('the schema of requestBody must be a JSON object');
  const resolved = followSchema(document, body);
  const envelope = payloadSchemaOf(resolved);
  return {
    ...described,
    example: payloadIn(exampleIn(document, media) ?? exampleOf(resolved)) ?? exampleOf(envelope ?? {}),
    schema: bundle(document, envelope ?? body),
  };
}

const IS_JSON = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

function textIn(holder: Record<string, unknown>, field: string): string | null {
  const text = holder[field];
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : null;
}

/** The `payload` of Posthorn's `{event, payload}`; null for any other schema. */
function payloadSchemaOf({ properties }: Record<string, unknown>): Record<string, unknown> | null {
  if (!isObject(properties) || Object.keys(properties).toSorted().join() !== 'event,payload') return null;
  return isObject(properties['payload']) ? properties['payload'] : null;
}

function payloadIn(example: unknown): Record<string, unknown> | null {
  if (!isObject(example)) return null;
  const isEnvelope = Object.keys(example).toSorted().join() === 'event,payload' && isObject(example['payload']);
  return isEnvelope ? (example['payload'] as Record<string, unknown>) : example;
}

function exampleIn(document: Record<string, unknown>, { example, examples }: Record<string, unknown>): unknown {
  if (example !== undefined) return example;
  const [first] = isObject(examples) ? Object.values(examples) : [];
  return first === undefined ? undefined : follow(document, first, 'examples')['value'];
}

function exampleOf({ example, examples }: Record<string, unknown>): Record<string, unknown> | null {
  const found: unknown = example ?? (Array.isArray(examples) ? examples[0] : undefined);
  return isObject(found) ? found : null;
}

const MAX_REFS = 50;

/** Follows `$ref` to the object that it leads to in the document. */
function follow(document: Record<string, unknown>, value: unknown, what: string): Record<string, unknown> {
  let found = value;
  for (let n = 0; n < MAX_REFS; n += 1) {
    if (!isObject(found)) unreadable(`${what} must be a JSON object`);
    if (typeof found['$ref'] !== 'string') return found;
    found = lookUp(document, found['$ref']);
  }
  return unreadable(`${what} refers to itself`);
}

/** Like follow, but a schema with other keywords beside its `$ref` is not replaced. */
function followSchema(document: Record<string, unknown>, schema: Record<string, unknown>): Record<string, unknown> {
  const isOnlyRef = typeof schema['$ref'] === 'string' && Object.keys(schema).length === 1;
  return isOnlyRef ? follow(document, schema, 'the schema of requestBody') : schema;
}

function lookUp(document: Record<string, unknown>, ref: string): unknown {
  if (!ref.startsWith('#/'))
    unreadable(`$ref ${ref} must begin with #/: nothing is fetched, so put it into the document`);
  let found: unknown = document;
  for (const key of keysOf(ref)) {
    found =
      (isObject(found) || Array.isArray(found)) && Object.hasOwn(found, key)
        ? (found as Record<string, unknown>)[key]
        : undefined;
    if (found === undefined) unreadable(`$ref ${ref} leads to nothing in the document`);
  }
  return found;
}

function keysOf(ref: string): string[] {
  try {
    return decodeURIComponent(ref)
      .slice(2)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  } catch {
    return unreadable(`$ref ${ref} has an invalid % escape`);
  }
}

const COMPONENT = /^#\/components\/schemas\/([^/]+)(.*)$/;
/** As many values as a schema of 256 KiB can have. */
const MAX_VALUES = 100_000;

/** Returns the schema with all components that it refers to in `$defs`, so that it needs no document. */
function bundle(document: Record<string, unknown>, root: Record<string, unknown>): Record<string, unknown> {
  const defs = new Map<string, unknown>();
  let values = 0;
  const copy = (value: unknown): unknown => {
    values += 1;
    if (values > MAX_VALUES) unreadable('its schema is too large with the components that it refers to');
    if (Array.isArray(value)) return value.map(copy);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [
        key,
        key === '$ref' && typeof child === 'string' ? moved(child) : copy(child),
      ]),
    );
  };
  const moved = (ref: string): string => {
    const [, name = '', rest = ''] =
      COMPONENT.exec(ref) ?? unreadable(`$ref ${ref} must lead to #/components/schemas/…`);
    const component = `#/components/schemas/${name}`;
    const [key = ''] = keysOf(component).slice(-1);
    const found = lookUp(document, component);
    if (!defs.has(key)) {
      defs.set(key, null); // it may refer to itself
      defs.set(key, copy(found));
    }
    return `#/$defs/${encodeURIComponent(escapePointer(key))}${rest}`;
  };
  const schema = copy(root) as Record<string, unknown>;
  if (defs.size === 0) return schema;
  const own = isObject(schema['$defs']) ? schema['$defs'] : {};
  return { ...schema, $defs: { ...own, ...Object.fromEntries(defs) } };
}
