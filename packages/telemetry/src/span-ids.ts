import { createHash, randomBytes } from 'node:crypto';

/** A span's place, in the hexadecimal form of W3C Trace Context. */
export interface SpanIds {
  traceId: string;
  spanId: string;
}

/** The span of another system from which a request came. */
export interface Caller extends SpanIds {
  isSampled: boolean;
}

// The ids of an event's trace follow from the event's id. So every process continues the trace without a stored context: for a retry hours
// later, after a restart, or for a replay.

/** Returns the ids of the publish, the root of an event's trace. The trace id is the event's UUID, the span id its last 8 bytes. */
export function publishIds(eventId: string): SpanIds {
  const traceId = eventId.replaceAll('-', '');
  return { traceId, spanId: traceId.slice(16) };
}

/** Returns the ids of an attempt's two spans: `deliver` is the worker's whole work, `attempt` the HTTP request within it. `traceOf` is the id
 *  of the event, or of the verification. */
export function attemptIds(
  traceOf: string,
  { id, attemptNumber }: { id: string; attemptNumber: number },
): { deliver: SpanIds; attempt: SpanIds } {
  const { traceId } = publishIds(traceOf);
  const digest = createHash('sha256').update(`${id}-${attemptNumber}`).digest('hex');
  return {
    deliver: { traceId, spanId: digest.slice(0, 16) },
    attempt: { traceId, spanId: digest.slice(16, 32) },
  };
}

/** Returns the ids of a span that nothing else has to know. */
export function newSpanIds(): SpanIds {
  const hex = randomBytes(24).toString('hex');
  return { traceId: hex.slice(0, 32), spanId: hex.slice(32) };
}

/** Returns the value of the header `traceparent`. */
export const toTraceparent = ({ traceId, spanId }: SpanIds, isSampled: boolean): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

/** Reads the header `traceparent`. Returns null if it is missing or invalid: then the request starts a new trace. */
export function readTraceparent(header: unknown): Caller | null {
  if (typeof header !== 'string') return null;
  const [, version = '', traceId = '', spanId = '', flags = '', more = ''] = TRACEPARENT.exec(header) ?? [];
  // Only a later version may have more fields.
  if (version === 'ff' || (version === '00' && more !== '')) return null;
  if (!/[^0]/.test(traceId) || !/[^0]/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
