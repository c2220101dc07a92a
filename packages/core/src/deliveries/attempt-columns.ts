import type { PostResult } from '@posthorn/sender';
import { newId } from '../id.js';
import type { Columns } from '../unnest.js';

/** An attempt that was made: one POST, whatever it was for. */
export interface AttemptMade {
  attemptNumber: number;
  url: string;
  result: PostResult;
}

/** What is recorded of every attempt, beside whose it is. */
export const ATTEMPT_COLUMNS: Columns<AttemptMade> = {
  id: ['uuid', () => newId()],
  number: ['int', ({ attemptNumber }) => attemptNumber],
  outcome: ['attempt_outcome', ({ result }) => result.outcome],
  status_code: ['int', ({ result }) => result.statusCode],
  started_at: ['timestamptz', ({ result }) => result.startedAt],
  duration_ms: ['int', ({ result }) => Math.round(result.durationMs)],
  dns_ms: ['int', ({ result }) => rounded(result.timings.dnsMs)],
  connect_ms: ['int', ({ result }) => rounded(result.timings.connectMs)],
  tls_ms: ['int', ({ result }) => rounded(result.timings.tlsMs)],
  first_byte_ms: ['int', ({ result }) => rounded(result.timings.firstByteMs)],
  url: ['text', ({ url }) => url],
  remote_address: ['text', ({ result }) => result.remoteAddress],
  user_agent: ['text', ({ result }) => result.request?.userAgent ?? null],
  body_bytes: ['int', ({ result }) => result.request?.bodyBytes ?? null],
  signature_count: ['smallint', ({ result }) => result.request?.signatureCount ?? null],
  // Names of headers have no spaces.
  own_headers: ['text', ({ result }) => result.request?.ownNames.join(' ') || null],
  response_headers: ['json', ({ result }) => result.responseHeaders && JSON.stringify(result.responseHeaders)],
  response_body: ['bytea', ({ result }) => Buffer.from(result.body)],
  response_truncated: ['boolean', ({ result }) => result.bodyTruncated],
  // Text in Postgres has no NUL.
  error: ['text', ({ result }) => result.error?.replaceAll('\0', '') ?? null],
};

const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
