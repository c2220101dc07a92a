import type { PostResult } from '@posthorn/sender';
import { newId } from '../id.js';
import { type Columns, namesOf } from '../unnest.js';

/** One POST, of a delivery or a verification. */
export interface AttemptMade {
  attemptNumber: number;
  url: string;
  result: PostResult;
}

/** Columns that only an attempt has. A finished delivery has the others as last_outcome, last_status_code, …. */
const DETAILS: Columns<AttemptMade> = {
  dns_ms: ['int', ({ result }) => rounded(result.timings.dnsMs)],
  connect_ms: ['int', ({ result }) => rounded(result.timings.connectMs)],
  tls_ms: ['int', ({ result }) => rounded(result.timings.tlsMs)],
  first_byte_ms: ['int', ({ result }) => rounded(result.timings.firstByteMs)],
  url: ['text', ({ url }) => url],
  remote_address: ['text', ({ result }) => result.remoteAddress],
  user_agent: ['text', ({ result }) => result.request?.userAgent ?? null],
  body_bytes: ['int', ({ result }) => result.request?.bodyBytes ?? null],
  signature_count: ['smallint', ({ result }) => result.request?.signatureCount ?? null],
  // Header names contain no spaces.
  own_headers: ['text', ({ result }) => result.request?.ownNames.join(' ') || null],
  response_headers: ['json', ({ result }) => result.responseHeaders && JSON.stringify(keptHeaders(result))],
  response_body: ['bytea', ({ result }) => Buffer.from(result.body)],
  response_truncated: ['boolean', ({ result }) => result.bodyTruncated],
  // Postgres text cannot contain NUL.
  error: ['text', ({ result }) => result.error?.replaceAll('\0', '') ?? null],
  error_code: ['text', ({ result }) => result.errorCode],
};

/** The columns of every attempt, without its owner. */
export const ATTEMPT_COLUMNS: Columns<AttemptMade> = {
  id: ['uuid', () => newId()],
  number: ['int', ({ attemptNumber }) => attemptNumber],
  outcome: ['attempt_outcome', ({ result }) => result.outcome],
  status_code: ['int', ({ result }) => result.statusCode],
  started_at: ['timestamptz', ({ result }) => result.startedAt],
  duration_ms: ['int', ({ result }) => Math.round(result.durationMs)],
  ...DETAILS,
};

// A finished delivery and its last attempt share a row of `finished_deliveries`; the attempts before that one are in `earlier_attempts`.
// The view `attempts` reads both.

const DETAIL_NAMES = namesOf(DETAILS);

/** SQL: the attempt columns of `finished_deliveries`. `of` selects them from an attempt. */
export const FINISHED_DETAILS = {
  names: `attempt_id, is_late, ${DETAIL_NAMES}`,
  of: (alias: string): string => `${alias}.id, ${alias}.is_late, ${namesOf(DETAILS, alias)}`,
};

/** SQL: copies the last attempts of finished deliveries that get another attempt to `earlier_attempts`. `leaving`
 *  has their full rows. */
export const KEEP_LAST_ATTEMPTS = `
  INSERT INTO earlier_attempts (account_id, subscription_id, delivery_id, id, number, trigger, outcome, status_code, started_at, duration_ms,
    is_late, ${DETAIL_NAMES})
  SELECT account_id, subscription_id, id, attempt_id, attempt_count, last_trigger, last_outcome, last_status_code, last_attempt_at, last_duration_ms,
    is_late, ${DETAIL_NAMES}
  FROM leaving WHERE attempt_id IS NOT NULL`;

/** Common headers that do not help to find the cause of a failure. They would be a third of the row. */
const USUAL_HEADERS = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);

/** Drops the common headers, and the length of a body that is stored completely. */
const keptHeaders = ({ responseHeaders, bodyTruncated }: PostResult): Record<string, string> =>
  Object.fromEntries(
    Object.entries(responseHeaders ?? {}).filter(
      ([name]) => !USUAL_HEADERS.has(name) && (name !== 'content-length' || bodyTruncated),
    ),
  );

const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
