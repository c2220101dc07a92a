import { EventTypeName, IdempotencyKey, isOperational } from '@posthorn/contract';
import { type RawMember, type RawValue, readElements, readMembers } from './json-text.js';

/** An event as it will be sent: the exact bytes of every attempt. */
export interface FrozenEvent {
  type: string;
  /** `{"event":…,"payload":…}` in UTF-8. */
  body: Buffer;
  /** The producer asked for no deliveries (Papercups' `metadata.disable_webhook_events`). */
  suppressed: boolean;
}

/** Why a body is refused: `path` names the field (empty: the whole body), `message` the fix. */
export interface Refusal {
  ok: false;
  code: 'invalid_json' | 'invalid_request' | 'payload_too_large';
  path: string;
  message: string;
}
export type FreezeResult = { ok: true; frozen: FrozenEvent } | Refusal;
export type FreezeBatchResult = { ok: true; items: { frozen: FrozenEvent; idempotencyKey: string | null }[] } | Refusal;

export const MAX_PAYLOAD_BYTES = 256 * 1024;
const MAX_PAYLOAD_DEPTH = 1_000;
const MAX_BATCH_EVENTS = 500;
const HANDSHAKE_TYPE = 'webhook:verify';

/** Freezes `{"event":"<type>","payload":{…}}`. Changes nothing in the payload but white space outside strings. */
export function freezeEvent(text: string): FreezeResult {
  const object = parseObject(text);
  if (!object.ok) return object;
  return freezeMembers(object.members, '', ['event', 'payload']);
}

/** Freezes `{"events":[{"event":…,"payload":…,"idempotencyKey"?:…}, …]}`, each as freezeEvent does. */
export function freezeBatch(text: string): FreezeBatchResult {
  const object = parseObject(text);
  if (!object.ok) return object;
  const misplaced = findMisplaced(object.members, '', ['events']);
  if (misplaced) return misplaced;
  const events = object.members.find(({ key }) => key === 'events')?.value.text;
  if (!events?.startsWith('[')) return refuse('events', 'must be an array of {event, payload}');
  const elements = readElements(events);
  if (elements.length === 0 || elements.length > MAX_BATCH_EVENTS) {
    return refuse('events', `must have 1 to ${MAX_BATCH_EVENTS} events; it has ${elements.length}`);
  }
  const items: { frozen: FrozenEvent; idempotencyKey: string | null }[] = [];
  for (const [index, element] of elements.entries()) {
    const path = `events[${index}]`;
    if (!element.text.startsWith('{')) return refuse(path, 'must be an object {event, payload}');
    const members = readMembers(element.text);
    const result = freezeMembers(members, `${path}.`, ['event', 'payload', 'idempotencyKey']);
    if (!result.ok) return result;
    const key = readKey(members);
    if (key === undefined) return refuse(`${path}.idempotencyKey`, 'must be 1 to 255 printable ASCII characters');
    items.push({ frozen: result.frozen, idempotencyKey: key });
  }
  return { ok: true, items };
}

/** null: none given; undefined: not a key. */
function readKey(members: RawMember[]): string | null | undefined {
  const raw = members.find((member) => member.key === 'idempotencyKey');
  if (!raw) return null;
  const key: unknown = JSON.parse(raw.value.text);
  if (key === null) return null;
  return IdempotencyKey.safeParse(key).data;
}

function freezeMembers(members: RawMember[], at: string, known: string[]): FreezeResult {
  const misplaced = findMisplaced(members, at, known);
  if (misplaced) return misplaced;

  const type: unknown = JSON.parse(members.find(({ key }) => key === 'event')?.value.text ?? 'null');
  if (typeof type !== 'string')
    return refuse(`${at}event`, 'must be a string, the type of the event: "message:created"');
  if (!EventTypeName.safeParse(type).success) {
    return refuse(
      `${at}event`,
      'must be names of letters, digits, _ . - joined by colons, such as "message:created", 128 characters at most',
    );
  }
  if (type === HANDSHAKE_TYPE)
    return refuse(`${at}event`, `"${HANDSHAKE_TYPE}" is the handshake's own type; publish under another`);
  if (isOperational(type))
    return refuse(`${at}event`, `"${type}" is Posthorn’s own: it tells operators of it and nobody publishes it`);

  const payload = members.find(({ key }) => key === 'payload')?.value;
  if (!payload?.text.startsWith('{')) return refuse(`${at}payload`, 'must be a JSON object');
  const refusal = findFault(payload, `${at}payload`);
  if (refusal) return refusal;
  const body = Buffer.from(`{"event":"${type}","payload":${payload.text}}`, 'utf8');
  return { ok: true, frozen: { type, body, suppressed: isSuppressed(type, payload.text) } };
}

function findFault(payload: RawValue, path: string): Refusal | null {
  const bytes = Buffer.byteLength(payload.text, 'utf8');
  if (bytes > MAX_PAYLOAD_BYTES) {
    return {
      ok: false,
      code: 'payload_too_large',
      path,
      message: `must be at most ${MAX_PAYLOAD_BYTES} bytes (256 KiB); it is ${bytes}`,
    };
  }
  if (payload.depth > MAX_PAYLOAD_DEPTH) {
    return refuse(path, `must be nested at most ${MAX_PAYLOAD_DEPTH} deep; it is ${payload.depth}`);
  }
  const repeated = firstRepeated(readMembers(payload.text).map(({ key }) => key));
  // Receivers would disagree on which of the two counts.
  return repeated === null ? null : refuse(`${path}.${repeated}`, 'the key stands twice; send it once');
}

function findMisplaced(members: RawMember[], at: string, known: string[]): Refusal | null {
  const keys = members.map(({ key }) => key);
  const unknown = keys.find((key) => !known.includes(key));
  if (unknown !== undefined) return refuse(`${at}${unknown}`, `unknown field; known are ${known.join(', ')}`);
  const repeated = firstRepeated(keys);
  return repeated === null ? null : refuse(`${at}${repeated}`, 'the field stands twice; send it once');
}

function firstRepeated(keys: string[]): string | null {
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return null;
}

/** Papercups' switch: exactly the boolean true, and on message:created only. */
function isSuppressed(type: string, payload: string): boolean {
  if (type !== 'message:created' || !payload.includes('disable_webhook_events')) return false;
  const { metadata } = JSON.parse(payload) as { metadata?: { disable_webhook_events?: unknown } | null };
  return metadata?.disable_webhook_events === true;
}

function parseObject(text: string): { ok: true; members: RawMember[] } | Refusal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, code: 'invalid_json', path: '', message: `not JSON: ${describe(error, text)}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('', 'must be a JSON object');
  return { ok: true, members: readMembers(text) };
}

/** Where the JSON breaks off. V8's own text quotes the body, which may be secret; only its position is told on. */
function describe(error: unknown, text: string): string {
  const position = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  if (position !== undefined) return `unexpected character at position ${position}`;
  return text.trim() === '' ? 'the body is empty' : 'it ends too early';
}

const refuse = (path: string, message: string): Refusal => ({ ok: false, code: 'invalid_request', path, message });
