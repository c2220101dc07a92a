import { type Problem, type ProblemCode, PROBLEMS } from '@posthorn/contract';
import type { Mismatch } from '@posthorn/core';

type FieldError = Problem['errors'][number];

/** An error response. `message` is the `detail` of the problem: what happened and how to fix it. */
export class ApiError extends Error {
  readonly code: ProblemCode;
  readonly errors: FieldError[];
  readonly headers: Record<string, string>;

  constructor(
    code: ProblemCode,
    detail: string,
    {
      errors = [],
      headers = {},
      cause,
    }: { errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause });
    this.code = code;
    this.errors = errors.map(shortened);
    this.headers = headers;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

export class InvalidJson extends ApiError {
  constructor(message: string) {
    super('invalid_json', message);
  }
}

export class Unauthenticated extends ApiError {
  constructor(detail: string) {
    super('unauthenticated', detail, { headers: { 'www-authenticate': 'Bearer' } });
  }
}

export class Forbidden extends ApiError {
  constructor(detail: string) {
    super('forbidden', detail);
  }
}

/** The object does not exist, or belongs to another account. Both look the same, so that callers cannot probe other accounts. */
export class NotFound extends ApiError {
  constructor(what: string) {
    super('not_found', what === 'account' ? NO_ACCOUNT : `This ${what} does not exist.`);
  }
}

const NO_ACCOUNT =
  'This account does not exist, or the key belongs to another one. The operator creates it with PUT /v1/accounts/{account}.';

export class NoRoute extends ApiError {
  constructor() {
    super('not_found', 'This route does not exist. See /docs.');
  }
}

export class MethodNotAllowed extends ApiError {
  constructor(method: string, allowed: string) {
    super('method_not_allowed', `This path does not support ${method}. Supported: ${allowed}.`, {
      headers: { allow: allowed },
    });
  }
}

export class IdempotencyKeyReused extends ApiError {
  constructor(path: string) {
    super(
      'idempotency_conflict',
      'This key was used within the last 24 hours with another body. Send the first body again, or choose a new key.',
      { errors: [{ path, message: 'was used with another body' }] },
    );
  }
}

export class TooManySubscriptions extends ApiError {
  constructor(max: number) {
    super(
      'quota_reached',
      `The account has reached its limit of ${max} subscriptions. Delete one first, or ask an operator to raise MAX_SUBSCRIPTIONS_PER_ACCOUNT.`,
    );
  }
}

/** `remedy`: what to do instead, as a sentence. */
export class AccountReserved extends ApiError {
  constructor(id: string, remedy: string) {
    super('account_reserved', `The account ${id} belongs to the operators (OPERATIONS_ACCOUNT). ${remedy}`);
  }
}

/** The id can be used again when all rows of the deleted account are erased. */
export class AccountErasing extends ApiError {
  constructor() {
    super(
      'account_erasing',
      'The account with this id was deleted, and its rows are still being erased. Repeat DELETE to see the progress, and create the account when DELETE returns 404.',
      { headers: { 'retry-after': '10' } },
    );
  }
}

/** A replay of the same subscriptions is running, or too many are. `running`: the id of the blocking replay. */
export class ReplayRunning extends ApiError {
  constructor(running: string) {
    super('replay_running', `The replay ${running} is running. Wait until it has queued its deliveries, or cancel it.`);
  }
}

/** `count`: the number of invalid fields, if `errors` does not list all. */
export class InvalidRequest extends ApiError {
  constructor(
    errors: FieldError[],
    {
      code = 'invalid_request',
      count = errors.length,
    }: { code?: 'invalid_request' | 'url_not_allowed' | 'unknown_event_type' | 'schema_mismatch'; count?: number } = {},
  ) {
    super(code, sentence(errors, count), { errors });
  }
}

/** The request is valid, but the object is in a state that does not allow it. */
export class NotPossible extends ApiError {
  constructor(reason: string) {
    super('invalid_request', `This is not possible: ${reason}.`);
  }
}

export class UrlNotAllowed extends InvalidRequest {
  constructor(reason: string) {
    super([{ path: 'url', message: reason }], { code: 'url_not_allowed' });
  }
}

export class EventTypeUnknown extends InvalidRequest {
  constructor(path: string, type: string) {
    const message = `"${type}" is not in the catalogue: see GET /v1/event-types, or ask an operator to add it`;
    super([{ path, message }], { code: 'unknown_event_type' });
  }
}

/** `path`: the payload in the request. */
export class SchemaMismatch extends InvalidRequest {
  constructor(path: string, { type, version, issues }: Pick<Mismatch, 'type' | 'version' | 'issues'>) {
    const by = `(version ${version} of the schema of ${type})`;
    const errors = issues.map((issue) => ({
      path: pathText([path, ...issue.path]),
      message: `${issue.message} ${by}`,
    }));
    super(errors, { code: 'schema_mismatch' });
  }
}

/** `payload.lines[0].sku` */
const pathText = ([first = '', ...keys]: string[]): string =>
  keys.reduce((text, key) => (/^\d+$/.test(key) ? `${text}[${key}]` : `${text}.${key}`), first);

export class PayloadTooLarge extends ApiError {
  constructor(path: string, message: string) {
    super('payload_too_large', sentence([{ path, message }]), { errors: [{ path, message }] });
  }
}

export class RateLimited extends ApiError {
  constructor(retryAfterSeconds: number) {
    super(
      'rate_limited',
      `Too many URLs were verified for this account within a minute. Try again in ${retryAfterSeconds} s.`,
      {
        headers: { 'retry-after': String(retryAfterSeconds) },
      },
    );
  }
}

export class TooManyLogins extends ApiError {
  constructor(retryAfterSeconds: number) {
    super('rate_limited', `Too many wrong keys within a minute. Try again in ${retryAfterSeconds} s.`, {
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
}

/** `holder`: the key, portal, account or server that has reached its limit. */
export class TooManyStreams extends ApiError {
  constructor(holder: string, max: number) {
    super('rate_limited', `${holder} has reached its limit of ${max} open streams. Close one first.`, {
      headers: { 'retry-after': '10' },
    });
  }
}

/** `holder`: the key, portal, account or server that has reached its limit. */
export class TooManyExports extends ApiError {
  constructor(holder: string, max: number) {
    super('rate_limited', `${holder} has reached its limit of ${max} running exports. Wait until one has ended.`, {
      headers: { 'retry-after': '10' },
    });
  }
}

export class TooManyWaiting extends ApiError {
  constructor(max: number) {
    super(
      'rate_limited',
      `The account has reached its limit of ${max} requests that wait for a verification. Try again in 5 s.`,
      { headers: { 'retry-after': '5' } },
    );
  }
}

export class Unavailable extends ApiError {
  constructor(cause: unknown) {
    super('unavailable', 'The service is temporarily unavailable. Try again in a few seconds.', {
      headers: { 'retry-after': '2' },
      cause,
    });
  }
}

/** Callers choose names and values, so an error repeats only their beginning. */
const shortened = ({ path, message }: FieldError): FieldError => ({
  path: beginning(path, 120),
  message: beginning(message, 500),
});
const beginning = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max)}…` : text);

function sentence(errors: FieldError[], count = errors.length): string {
  const [first] = errors.slice(0, 1).map(shortened);
  if (!first) return 'The request is not valid.';
  const isSentence = /^[A-Z]/.test(first.message);
  const text = isSentence ? first.message : `${first.path || 'The body'} ${first.message}.`;
  return count === 1 ? text : `${text} (And ${count - 1} more.)`;
}
