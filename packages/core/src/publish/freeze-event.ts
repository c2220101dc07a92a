import { setImmediate as nextTurn } from 'node:timers/promises';
import { EventTypeName, IdempotencyKey, isOperational } from '@posthorn/contract';
import { JsonFault, JsonReader, MAX_JSON_DEPTH } from '../json/json-reader.js';

/** An event with the exact bytes that every attempt sends. */
export interface FrozenEvent {
  type: string;
  /** `{"event":…,"payload":…}` in UTF-8. */
  body: Buffer;
  /** The producer requested no deliveries (Papercups' `metadata.disable_webhook_events`). */
  suppressed: boolean;
}

/** A payload without white space between its tokens; all other bytes are as received. */
export interface Payload {
  bytes: Uint8Array;
  /** `metadata.disable_webhook_events` is true. */
  disablesWebhooks: boolean;
}

/** The fields of an event that are present; null for the others. */
export interface Draft {
  type: string | null;
  payload: Payload | null;
}

/** Why a body is refused. `path` names the field (empty: the whole body), `message` says what is required. */
export interface Refusal {
  ok: false;
  code: 'invalid_json' | 'invalid_request' | 'payload_too_large';
  path: string;
  message: string;
}
export type FreezeResult = { ok: true; frozen: FrozenEvent } | Refusal;
export type FreezeBatchResult = { ok: true; items: BatchItem[] } | Refusal;
export type DraftResult = ({ ok: true } & Draft) | Refusal;

interface BatchItem {
  frozen: FrozenEvent;
  idempotencyKey: string | null;
}

export const MAX_PAYLOAD_BYTES = 256 * 1024;
/** Limit for a payload including white space, also inside a batch. */
const MAX_LOOSE_BYTES = 512 * 1024;
const MAX_BATCH_EVENTS = 500;
const HANDSHAKE_TYPE = 'webhook:verify';
/** Limit for names and strings around a payload, as received: an idempotency key of 255 escapes has 1,532 bytes. */
const MAX_STRING_BYTES = 2 * 1024;
/** Bytes of a batch that are read per turn of the event loop, plus up to one payload. */
const SLICE_BYTES = 256 * 1024;

/** Freezes `{"event":"<type>","payload":{…}}`. Removes white space outside strings and changes nothing else in the
 *  payload. Stops reading at the first error or exceeded limit. */
export function freezeEvent(bytes: Uint8Array): FreezeResult {
  try {
    const reader = new JsonReader(bytes);
    const { frozen } = readEvent(reader, '', ['event', 'payload']);
    reader.finish();
    return { ok: true, frozen };
  } catch (error) {
    return toRefusal(error);
  }
}

/** Freezes `{"events":[{"event":…,"payload":…,"idempotencyKey"?:…}, …]}`, each event like freezeEvent. Yields to the
 *  event loop between slices, because a batch may have 16 MiB. */
export async function freezeBatch(bytes: Uint8Array): Promise<FreezeBatchResult> {
  try {
    const reader = new JsonReader(bytes);
    let items: BatchItem[] | null = null;
    for (const name of membersOf(reader, '', ['events'])) {
      if (name === 'events') items = await readEvents(reader);
    }
    reader.finish();
    if (items === null) refuse('events', NO_EVENTS);
    if (items.length === 0) refuse('events', WRONG_COUNT);
    return { ok: true, items };
  } catch (error) {
    return toRefusal(error);
  }
}

/** Reads `{"event"?:…,"payload"?:…}` like freezeEvent; null for an absent field. For an empty body both are null. */
export function readDraft(bytes: Uint8Array): DraftResult {
  try {
    const reader = new JsonReader(bytes);
    const { type, payload } = readMembers(reader, '', ['event', 'payload']);
    reader.finish();
    return { ok: true, type, payload };
  } catch (error) {
    if (error instanceof JsonFault && error.kind === 'empty') return { ok: true, type: null, payload: null };
    return toRefusal(error);
  }
}

/** Builds an event from a type and a payload that were read. */
export function freeze(type: string, payload: Payload): FrozenEvent {
  const head = `{"event":"${type}","payload":`; // a type contains no characters that JSON escapes
  const body = Buffer.allocUnsafe(head.length + payload.bytes.length + 1);
  body.write(head, 'latin1');
  body.set(payload.bytes, head.length);
  body[body.length - 1] = CLOSE_BRACE;
  return { type, body, suppressed: type === 'message:created' && payload.disablesWebhooks };
}

async function readEvents(reader: JsonReader): Promise<BatchItem[]> {
  if (reader.peek() !== OPEN_BRACKET) refuseValue(reader, 'events', NO_EVENTS);
  const items: BatchItem[] = [];
  let sliceEnd = SLICE_BYTES;
  for (const index of reader.elements()) {
    if (index === MAX_BATCH_EVENTS) refuse('events', WRONG_COUNT);
    if (reader.position > sliceEnd) {
      await nextTurn();
      sliceEnd = reader.position + SLICE_BYTES;
    }
    items.push(readEvent(reader, `events[${index}]`, ['event', 'payload', 'idempotencyKey']));
  }
  return items;
}

function readEvent(reader: JsonReader, at: string, fields: Field[]): BatchItem {
  const { type, payload, idempotencyKey } = readMembers(reader, at, fields);
  if (type === null) refuse(pathOf(at, 'event'), NO_TYPE);
  if (payload === null) refuse(pathOf(at, 'payload'), NO_PAYLOAD);
  return { frozen: freeze(type, payload), idempotencyKey };
}

type Field = 'event' | 'payload' | 'idempotencyKey';
interface Members {
  type: string | null;
  payload: Payload | null;
  idempotencyKey: string | null;
}

function readMembers(reader: JsonReader, at: string, fields: Field[]): Members {
  const found: Members = { type: null, payload: null, idempotencyKey: null };
  for (const name of membersOf(reader, at, fields)) {
    const path = pathOf(at, name);
    if (name === 'event') found.type = readType(reader, path);
    else if (name === 'payload') found.payload = readPayload(reader, path);
    else found.idempotencyKey = readKey(reader, path);
  }
  return found;
}

/** Yields the members of an object. Refuses unknown and repeated names. */
function* membersOf<Name extends string>(reader: JsonReader, at: string, names: Name[]): Generator<Name> {
  if (reader.peek() !== OPEN_BRACE) {
    refuseValue(reader, at, at === '' ? 'must be a JSON object' : 'must be an object {event, payload}');
  }
  const left = new Set(names);
  for (const key of reader.members({ maxKeyBytes: MAX_STRING_BYTES })) {
    const name = names.find((one) => one === key);
    if (name === undefined) refuse(pathOf(at, key), `unknown field; allowed: ${names.join(', ')}`);
    if (!left.delete(name)) refuse(pathOf(at, key), 'duplicate field; send it once');
    yield name;
  }
}

function readType(reader: JsonReader, path: string): string {
  if (reader.peek() !== QUOTE) refuseValue(reader, path, NO_TYPE);
  const type = readString(reader);
  if (!EventTypeName.safeParse(type).success) {
    refuse(
      path,
      'must be names of letters, digits, _ . - joined by colons, such as "message:created", at most 128 characters',
    );
  }
  if (type === HANDSHAKE_TYPE)
    refuse(path, `"${HANDSHAKE_TYPE}" is reserved for the verification handshake; use another type`);
  if (isOperational(type)) {
    refuse(path, `"${type}" is reserved for Posthorn’s operational events; use another type`);
  }
  return type;
}

function readKey(reader: JsonReader, path: string): string | null {
  if (reader.peek() === LETTER_N) {
    reader.skip({ maxDepth: 0 });
    return null;
  }
  if (reader.peek() !== QUOTE) refuseValue(reader, path, NO_KEY);
  return IdempotencyKey.safeParse(readString(reader)).data ?? refuse(path, NO_KEY);
}

/** A string beyond the limit becomes empty, which is neither a valid type nor a valid key. */
function readString(reader: JsonReader): string {
  try {
    return reader.string(MAX_STRING_BYTES);
  } catch (error) {
    if (error instanceof JsonFault && error.kind === 'too_large') return '';
    throw error;
  }
}

function readPayload(reader: JsonReader, path: string): Payload {
  if (reader.peek() !== OPEN_BRACE) refuseValue(reader, path, NO_PAYLOAD);
  const keys = new Set<string>();
  let disablesWebhooks = false;
  try {
    reader.startKeeping({ maxBytes: MAX_PAYLOAD_BYTES, maxReadBytes: MAX_LOOSE_BYTES });
    for (const key of reader.members()) {
      // Endpoints would disagree on which of the two counts.
      if (keys.size === keys.add(key).size) refuse(pathOf(path, key), 'duplicate key; send it once');
      if (key === 'metadata') disablesWebhooks = readSwitch(reader);
      else reader.skip({ maxDepth: MAX_JSON_DEPTH - 1 });
    }
    return { bytes: reader.endKeeping(), disablesWebhooks };
  } catch (error) {
    if (error instanceof JsonFault && error.kind === 'too_deep') {
      refuse(path, `must be nested at most ${MAX_JSON_DEPTH} deep`);
    }
    if (error instanceof JsonFault && error.kind === 'too_large') {
      const message = `must be at most ${MAX_PAYLOAD_BYTES} bytes (256 KiB) without white space, or twice that with white space`;
      throw new Refused({ ok: false, code: 'payload_too_large', path, message });
    }
    throw error;
  }
}

/** Reads Papercups' switch in a payload's metadata: exactly the boolean true. If it is repeated, the last one
 *  counts, as in JSON.parse. */
function readSwitch(reader: JsonReader): boolean {
  if (reader.peek() !== OPEN_BRACE) {
    reader.skip({ maxDepth: MAX_JSON_DEPTH - 1 });
    return false;
  }
  let isOn = false;
  for (const key of reader.members()) {
    if (key === 'disable_webhook_events') isOn = reader.peek() === LETTER_T;
    reader.skip({ maxDepth: MAX_JSON_DEPTH - 2 });
  }
  return isOn;
}

/** Refuses the next value. If it is not valid JSON, the refusal says so. */
function refuseValue(reader: JsonReader, path: string, message: string): never {
  if (![OPEN_BRACE, OPEN_BRACKET, QUOTE].includes(reader.peek())) reader.skip({ maxDepth: 0 });
  refuse(path, message);
}

function refuse(path: string, message: string): never {
  throw new Refused({ ok: false, code: 'invalid_request', path, message });
}

class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  if (!(error instanceof JsonFault)) throw error;
  const { kind, message } = error;
  const refusal = { ok: false, path: '' } as const;
  if (kind === 'too_loose') return { ...refusal, code: 'invalid_request', message };
  // All other limits are refused where their field is known.
  if (kind === 'too_large')
    return { ...refusal, code: 'invalid_request', message: 'has a field whose name is too long' };
  return { ...refusal, code: 'invalid_json', message: `not JSON: ${message}` };
}

/** Returns a path such as `events[0].payload`. Long keys are cut: a refusal must not be as large as the request. */
const pathOf = (at: string, key: string): string =>
  `${at}${at === '' ? '' : '.'}${key.length > MAX_SHOWN_KEY ? `${key.slice(0, MAX_SHOWN_KEY)}…` : key}`;
const MAX_SHOWN_KEY = 64;

const NO_TYPE = 'must be a string, the type of the event: "message:created"';
const NO_PAYLOAD = 'must be a JSON object';
const NO_KEY = 'must be 1 to 255 printable ASCII characters';
const NO_EVENTS = 'must be an array of {event, payload}';
const WRONG_COUNT = `must have 1 to ${MAX_BATCH_EVENTS} events`;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const QUOTE = 0x22;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
