import { toTypeId } from '@posthorn/contract';
import type { PostRequest, PostResult } from '@posthorn/sender';
import type pg from 'pg';
import type { Cipher } from '../cipher.js';
import { type Database, inTransaction } from '../database.js';
import type { RetryWhileUnavailable } from '../database-away.js';
import { retryPolicyOf, type RetryRules } from '../deliver/retry-policy.js';
import type { Due, Enqueue } from '../deps.js';
import { ATTEMPT_COLUMNS, type AttemptMade } from '../deliveries/attempt-columns.js';
import { LEASE_SECONDS } from '../deliveries/lease.js';
import type { Log } from '../log.js';
import { responseText } from '../response-text.js';
import { openAccess } from '../secrets/own-access.js';
import { openHeaders } from '../secrets/own-headers.js';
import { newSecret } from '../secrets/new-secret.js';
import { namesOf, unnest, valuesOf } from '../unnest.js';
import { type Judgement, handshakeBody, judgeResponse, newChallenge } from './challenge.js';

/** The waits after attempts without a response: three attempts within 12 s, while a person waits. A wrong response
 *  is not retried. */
const WAITS_MS = [2_000, 10_000];
const SHOWN_BYTES = 2 * 1024;
const READ_BYTES = 64 * 1024; // a longer response is `too_large`

/** The result of a verification's attempt, for the log and the queue. */
interface VerificationReport {
  verificationId: string;
  accountId: string;
  attemptNumber: number;
  status: 'pending' | 'verified' | 'failed';
  reason: string | null;
}

export type VerificationEnd =
  | { end: 'attempted'; report: VerificationReport }
  | { end: 'skipped'; why: 'unknown' | 'superseded' };

export interface VerifierOptions {
  db: Database;
  cipher: Cipher;
  enqueue: Enqueue;
  post: (request: PostRequest) => Promise<PostResult>;
  log: Log;
  /** Share one per process and database, so that an outage is logged once. */
  retryWhileUnavailable: RetryWhileUnavailable;
  /** The timeout and its limit; the schedule does not apply to verifications. */
  retries: RetryRules;
  observe?: (verification: ObservedVerification) => void;
}

export interface ObservedVerification {
  /** A uuid. */
  id: string;
  accountId: string;
  subscriptionId: string | null;
  url: string;
  attemptNumber: number;
  result: PostResult;
  status: 'pending' | 'verified' | 'failed';
  reason: string | null;
}

export interface Verifier {
  /** Makes one attempt of a handshake: load, fence, POST, judge, record; resolves after the record is committed. A
   *  success activates an unverified subscription or its pending URL; a failure leaves a working URL unchanged. Safe
   *  to repeat. */
  attempt(due: Due, signal: AbortSignal): Promise<VerificationEnd>;
}

interface Loaded {
  accountId: string;
  subscriptionId: string | null;
  url: string;
  status: 'pending' | 'verified' | 'failed';
  attemptCount: number;
  /** How many of them our own shutdown aborted: these use up no attempt. */
  abortedCount: number;
  /** The subscription's own; null: the default. */
  timeoutMs: number | null;
  headersSealed: Buffer | null;
  authenticationSealed: Buffer | null;
  certificateAuthorities: string | null;
  secretsSealed: Buffer[];
}

export function openVerifier({
  db,
  cipher,
  enqueue,
  post,
  log,
  retryWhileUnavailable,
  retries,
  observe,
}: VerifierOptions): Verifier {
  async function attempt({ id, attemptNumber }: Due, signal: AbortSignal): Promise<VerificationEnd> {
    const loaded = await retryWhileUnavailable(() => load(db.pool, id), signal);
    if (!loaded) return { end: 'skipped', why: 'unknown' };
    if (loaded.status !== 'pending' || loaded.attemptCount !== attemptNumber - 1)
      return { end: 'skipped', why: 'superseded' };

    const challenge = newChallenge();
    const { timeoutMs } = retryPolicyOf({ retrySchedule: null, timeoutMs: loaded.timeoutMs }, retries);
    const subscriptionId = loaded.subscriptionId ?? '';
    const secrets = loaded.secretsSealed.map((sealed) => cipher.open(sealed, `secret:${subscriptionId}`));
    const result = await post({
      url: loaded.url,
      webhookId: toTypeId('ver', id),
      body: handshakeBody(challenge),
      // A URL without a subscription has no secret. Sign the request anyway, so that all requests have the same form.
      secrets: secrets.length > 0 ? secrets : [newSecret()],
      headers: openHeaders({ cipher }, subscriptionId, loaded.headersSealed),
      access: openAccess({ cipher }, subscriptionId, loaded),
      timeoutMs,
      keepBytes: READ_BYTES,
      signal,
    });
    const judgement = judgeResponse(result, challenge);
    const inMs = nextWait(judgement, attemptNumber - loaded.abortedCount);
    const status = judgement.verdict === 'verified' ? 'verified' : inMs === null ? 'failed' : 'pending';
    const { reason, error } = judgement.verdict === 'failed' ? judgement : { reason: null, error: null };

    const isRecorded = await retryWhileUnavailable(
      () => record(db, { id, attemptNumber, loaded, result, status, reason, error, inMs }),
      signal,
    );
    if (!isRecorded) return { end: 'skipped', why: 'superseded' };
    const { accountId, url } = loaded;
    observe?.({ id, accountId, subscriptionId: loaded.subscriptionId, url, attemptNumber, result, status, reason });
    const report: VerificationReport = {
      verificationId: toTypeId('ver', id),
      accountId,
      attemptNumber,
      status,
      reason,
    };
    logAttempt(log, { report, loaded, result });
    if (inMs !== null) await enqueue('verify', [{ id, attemptNumber: attemptNumber + 1, delayMs: inMs }]);
    return { end: 'attempted', report };
  }

  return { attempt };
}

function logAttempt(
  log: Log,
  { report, loaded, result }: { report: VerificationReport; loaded: Loaded; result: PostResult },
): void {
  log.info(
    {
      ...report,
      subscriptionId: loaded.subscriptionId && toTypeId('sub', loaded.subscriptionId),
      endpointHost: new URL(loaded.url).host,
      outcome: result.outcome,
      statusCode: result.statusCode,
      durationMs: Math.round(result.durationMs),
    },
    'verification.attempted',
  );
}

/** Returns the wait after this attempt number; null if it was the last one. */
function nextWait(judgement: Judgement, attemptNumber: number): number | null {
  if (judgement.verdict === 'aborted') return 0;
  if (judgement.verdict === 'verified' || !judgement.passing) return null;
  return WAITS_MS[attemptNumber - 1] ?? null;
}

async function load(pool: pg.Pool, id: string): Promise<Loaded | null> {
  const { rows } = await pool.query<Loaded>({
    name: 'load-verification',
    text: `
      SELECT v.account_id AS "accountId", v.subscription_id AS "subscriptionId", v.url, v.status, v.attempt_count AS "attemptCount", s.timeout_ms AS "timeoutMs",
        (SELECT count(*)::int FROM verification_attempts a WHERE a.verification_id = v.id AND a.outcome = 'aborted') AS "abortedCount",
        s.certificate_authorities AS "certificateAuthorities",
        -- Only the headers and the authentication that were entered for the origin of this request's URL.
        CASE posthorn_url_origin(v.url) WHEN s.authentication_origin THEN s.authentication_sealed
          WHEN s.pending_authentication_origin THEN s.pending_authentication_sealed END AS "authenticationSealed",
        CASE posthorn_url_origin(v.url) WHEN s.headers_origin THEN s.headers_sealed
          WHEN s.pending_headers_origin THEN s.pending_headers_sealed END AS "headersSealed",
        ARRAY(SELECT k.sealed FROM secrets k WHERE k.subscription_id = s.id AND (k.expires_at IS NULL OR k.expires_at > now())
          ORDER BY k.expires_at DESC NULLS FIRST) AS "secretsSealed"
      FROM verifications v JOIN accounts a ON a.id = v.account_id LEFT JOIN subscriptions s ON s.id = v.subscription_id
      WHERE v.id = $1 AND a.deleted_at IS NULL`,
    values: [id],
  });
  return rows[0] ?? null;
}

interface AttemptRecord {
  id: string;
  attemptNumber: number;
  loaded: Loaded;
  result: PostResult;
  status: 'pending' | 'verified' | 'failed';
  reason: string | null;
  error: string | null;
  inMs: number | null;
}

/** Records the attempt, the verification and, if it is the current one, its effect on the subscription in one
 *  transaction. Returns false if another attempt with this number was recorded before. */
function record(
  db: Database,
  { id, attemptNumber, loaded, result, status, reason, error, inMs }: AttemptRecord,
): Promise<boolean> {
  return inTransaction(db.pool, async (client) => {
    // Lock the subscription before the verification, like every change of a subscription: otherwise they deadlock.
    if (loaded.subscriptionId !== null) {
      await client.query('SELECT FROM subscriptions WHERE id = $1 FOR UPDATE', [loaded.subscriptionId]);
    }
    const { rowCount } = await client.query(
      `UPDATE verifications SET status = $3, reason = $4, status_code = $5, duration_ms = $6, response_body = $7, error = $9, checked_at = now(),
         attempt_count = $2, leased_until = now() + $8::float8 * interval '1 millisecond' + interval '${LEASE_SECONDS} seconds'
       WHERE id = $1 AND status = 'pending' AND attempt_count = $2 - 1`,
      [
        id,
        attemptNumber,
        status,
        reason,
        result.statusCode,
        Math.round(result.durationMs),
        shownBody(result),
        inMs,
        error?.replaceAll('\0', '') ?? null,
      ],
    );
    if (rowCount === 0) return false;
    await writeAttempt(client, { id, attemptNumber, loaded, result });
    if (status === 'verified' && loaded.subscriptionId !== null) {
      await client.query(
        `UPDATE subscriptions SET url = $3, pending_url = NULL, updated_at = now(),
           -- Another origin gets the headers and the authentication that were entered for it; the old ones are erased.
           headers_sealed = CASE WHEN posthorn_url_origin(url) = posthorn_url_origin($3) THEN headers_sealed ELSE pending_headers_sealed END,
           headers_origin = CASE WHEN posthorn_url_origin(url) = posthorn_url_origin($3) THEN headers_origin ELSE pending_headers_origin END,
           pending_headers_sealed = NULL, pending_headers_origin = NULL,
           authentication_sealed = CASE WHEN posthorn_url_origin(url) = posthorn_url_origin($3) THEN authentication_sealed ELSE pending_authentication_sealed END,
           authentication_origin = CASE WHEN posthorn_url_origin(url) = posthorn_url_origin($3) THEN authentication_origin ELSE pending_authentication_origin END,
           pending_authentication_sealed = NULL, pending_authentication_origin = NULL,
           status = CASE status WHEN 'unverified' THEN 'active' ELSE status END,
           status_changed_at = CASE status WHEN 'unverified' THEN now() ELSE status_changed_at END,
           -- Another URL is another endpoint, without known failures.
           failing_since = CASE WHEN url = $3 THEN failing_since END,
           failing_warned = CASE WHEN url = $3 THEN failing_warned ELSE 0 END,
           failure_streak = CASE WHEN url = $3 THEN failure_streak ELSE 0 END,
           circuit_open_until = CASE WHEN url = $3 THEN circuit_open_until END,
           circuit_opened_count = CASE WHEN url = $3 THEN circuit_opened_count ELSE 0 END,
           probe_id = CASE WHEN url = $3 THEN probe_id END
         WHERE id = $1 AND verification_id = $2 AND deleted_at IS NULL AND coalesce(pending_url, url) = $3`,
        [loaded.subscriptionId, id, loaded.url],
      );
    }
    return true;
  });
}

/** Returns the beginning of the response as UTF-8, because a verification does not store the content type. */
function shownBody({ body, bodyTruncated, responseHeaders }: PostResult): Buffer {
  const isCut = bodyTruncated || body.length > SHOWN_BYTES;
  const text = responseText(body.subarray(0, SHOWN_BYTES), { headers: responseHeaders, isCut });
  return Buffer.from(text).subarray(0, SHOWN_BYTES);
}

async function writeAttempt(
  client: pg.PoolClient,
  { id, attemptNumber, loaded, result }: Pick<AttemptRecord, 'id' | 'attemptNumber' | 'loaded' | 'result'>,
): Promise<void> {
  const attempt: AttemptMade = {
    attemptNumber,
    url: loaded.url,
    result: {
      ...result,
      body: result.body.subarray(0, SHOWN_BYTES),
      bodyTruncated: result.bodyTruncated || result.body.length > SHOWN_BYTES,
    },
  };
  await client.query(
    `INSERT INTO verification_attempts (verification_id, ${namesOf(ATTEMPT_COLUMNS)})
     SELECT $1, i.* FROM ${unnest(ATTEMPT_COLUMNS, { alias: 'i', first: 2 })}`,
    [id, ...valuesOf(ATTEMPT_COLUMNS, [attempt])],
  );
}
