import type { Problem, ProblemCode } from '@posthorn/contract';
import { problemOf } from './error-handler.js';
import {
  AccountErasing,
  AccountReserved,
  ApiError,
  EventTypeUnknown,
  Forbidden,
  IdempotencyKeyReused,
  InvalidJson,
  InvalidRequest,
  MethodNotAllowed,
  NotFound,
  PayloadTooLarge,
  RateLimited,
  ReplayRunning,
  SchemaMismatch,
  TooManySubscriptions,
  Unauthenticated,
  Unavailable,
  UrlNotAllowed,
} from './errors.js';

const ERRORS: Record<ProblemCode, ApiError> = {
  invalid_json: new InvalidJson('The body is not JSON: unexpected character "}" at position 27.'),
  bad_request: new ApiError('bad_request', 'The request is malformed. Check its URL and its headers.'),
  unauthenticated: new Unauthenticated('Send a key in the header Authorization: Bearer <key>.'),
  forbidden: new Forbidden('This requires the operator key.'),
  not_found: new NotFound('object'),
  method_not_allowed: new MethodNotAllowed('DELETE', 'GET, HEAD'),
  idempotency_conflict: new IdempotencyKeyReused('Idempotency-Key'),
  quota_reached: new TooManySubscriptions(1000),
  account_reserved: new AccountReserved('posthorn', 'Choose another id.'),
  account_erasing: new AccountErasing(),
  replay_running: new ReplayRunning('rpl_01jd4q8y3ne9mav5w2xkq7rf0c'),
  payload_too_large: new PayloadTooLarge('payload', 'must be at most 262144 bytes without white space'),
  unsupported_media_type: new ApiError(
    'unsupported_media_type',
    'Send the body with the header content-type: application/json.',
  ),
  invalid_request: new InvalidRequest([{ path: 'url', message: 'is required' }]),
  url_not_allowed: new UrlNotAllowed('must not be a private address'),
  unknown_event_type: new EventTypeUnknown('event', 'message:deleted'),
  schema_mismatch: new SchemaMismatch('payload', {
    type: 'invoice:paid',
    version: 2,
    issues: [{ path: ['amount'], message: 'must be a whole number' }],
  }),
  rate_limited: new RateLimited(12),
  internal_error: new ApiError('internal_error', 'An internal error occurred. It was logged with the request id.'),
  unavailable: new Unavailable(null),
};

/** A problem with this code, as the API sends it. */
export const exampleProblem = (code: ProblemCode): Problem =>
  problemOf(ERRORS[code], '8b0c1c7e5f0a4f0e9d5a3a0f5c1f2b6d');
