import { randomBytes } from 'node:crypto';
import type { PostResult } from '@posthorn/sender';
import { responseText } from '../response-text.js';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'; // RFC 4648 §6

/** Returns 64 random characters of A–Z2–7: 320 bits. */
export function newChallenge(): string {
  // 256 is a multiple of 32, so each character is equally likely.
  return Array.from(randomBytes(64), (byte) => BASE32[byte % 32]).join('');
}

/** Returns the exact body of the handshake. */
export const handshakeBody = (challenge: string): Buffer =>
  Buffer.from(JSON.stringify({ event: 'webhook:verify', payload: challenge }), 'utf8');

export type VerificationReason =
  | 'status'
  | 'mismatch'
  | 'empty'
  | 'too_large'
  | 'redirect'
  | 'timeout'
  | 'dns_error'
  | 'connect_error'
  | 'tls_error'
  | 'auth_error'
  | 'blocked'
  | 'bad_response';

export type Judgement =
  | { verdict: 'verified' }
  | {
      verdict: 'failed';
      reason: VerificationReason;
      /** For people: why it failed and what to do. */
      error: string | null;
      /** Retried automatically. */
      passing: boolean;
    }
  | { verdict: 'aborted' };

const RESPOND = 'Respond to the event webhook:verify with 200 and its payload as the body.';

// 2xx with the challenge         verified: as trimmed text, JSON string or `challenge` of a JSON object, any content type
// other 2xx                      too_large, empty or mismatch; not retried
// 3xx                            redirect; not retried
// other status                   status; retried for 408, 425, 429 and 5xx
// no response                    timeout, dns_error, connect_error, tls_error, auth_error or bad_response; retried
// URL or address not allowed     blocked; not retried
/** Pure. Returns what a response to the handshake means. */
export function judgeResponse(result: PostResult, challenge: string): Judgement {
  switch (result.outcome) {
    case 'ok':
      return judgeBody(result, challenge);
    case 'http_error':
      return {
        verdict: 'failed',
        reason: 'status',
        error: `Your endpoint returned ${result.statusCode} for the handshake. ${RESPOND}`,
        passing: isPassing(result.statusCode),
      };
    case 'timeout':
    case 'dns_error':
    case 'connect_error':
    case 'tls_error':
    case 'auth_error':
    case 'bad_response':
      return { verdict: 'failed', reason: result.outcome, error: result.error, passing: true };
    case 'redirect':
    case 'blocked':
      return { verdict: 'failed', reason: result.outcome, error: result.error, passing: false };
    case 'aborted':
      return { verdict: 'aborted' };
    default:
      return result.outcome satisfies never;
  }
}

function judgeBody({ body, bodyTooLarge, bodyTruncated, responseHeaders }: PostResult, challenge: string): Judgement {
  const wrong = (reason: 'too_large' | 'empty' | 'mismatch', what: string): Judgement => ({
    verdict: 'failed',
    reason,
    error: `Your endpoint responded to the handshake ${what}. ${RESPOND}`,
    passing: false,
  });
  if (bodyTooLarge) return wrong('too_large', 'with more than 64 KiB');
  const text = responseText(body, { headers: responseHeaders, isCut: bodyTruncated }).trim();
  if (text === '') return wrong('empty', 'without a body');
  if (text === challenge || readJson(text) === challenge) return { verdict: 'verified' };
  return wrong('mismatch', 'with an unexpected body');
}

/** Returns the JSON string or the `challenge` of a JSON object; undefined for anything else. */
function readJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'string') return value;
    return typeof value === 'object' && value !== null && 'challenge' in value ? value.challenge : undefined;
  } catch {
    return undefined; // not JSON
  }
}

const isPassing = (statusCode: number | null): boolean =>
  statusCode !== null && (statusCode >= 500 || statusCode === 408 || statusCode === 425 || statusCode === 429);
