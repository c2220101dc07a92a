import { type Problem, type ProblemCode, PROBLEMS } from '@posthorn/contract';

type FieldError = Problem['errors'][number];

/** An answer that is an error. `message` is the problem's detail: what happened and what to do about it. */
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

/** There is none, or it is another account's: the answer is the same, so that nobody learns what exists. */
export class NotFound extends ApiError {
  constructor(what: string) {
    super('not_found', `There is no such ${what}.`);
  }
}

/** There is such a path, with other methods. */
export class MethodNotAllowed extends ApiError {
  constructor(method: string, allowed: string) {
    super('method_not_allowed', `This path does not have the method ${method}. It has: ${allowed}.`, {
      headers: { allow: allowed },
    });
  }
}

export class IdempotencyKeyReused extends ApiError {
  constructor(path: string) {
    super(
      'idempotency_conflict',
      'This key was used within the last 24 hours with another body. Repeat the first body, or choose a new key.',
      { errors: [{ path, message: 'was used with another body' }] },
    );
  }
}

/** `most`: how many subscriptions an account may have. */
export class TooManySubscriptions extends ApiError {
  constructor(most: number) {
    super(
      'quota_reached',
      `The account has ${most} subscriptions, as many as it may have. Delete one first, or have an operator raise MAX_SUBSCRIPTIONS_PER_ACCOUNT.`,
    );
  }
}

/** The id is that of OPERATIONS_ACCOUNT, which no tenant has. `remedy`: what to do instead. */
export class AccountReserved extends ApiError {
  constructor(id: string, remedy: string) {
    super('account_reserved', `The account ${id} is the operators’ own (OPERATIONS_ACCOUNT). ${remedy}`);
  }
}

/** Its id is free again when nothing of it is left. */
export class AccountErasing extends ApiError {
  constructor() {
    super(
      'account_erasing',
      'The account of this id was deleted, and its rows are still being erased. Repeat DELETE to see how far it got, and create the account when that is a 404.',
      { headers: { 'retry-after': '10' } },
    );
  }
}

/** Another one runs for the same subscriptions, or too many run. `running`: the id of the one that is in the way. */
export class ReplayRunning extends ApiError {
  constructor(running: string) {
    super('replay_running', `${running} is running: wait until it has queued its deliveries, or cancel it.`);
  }
}

/** One field is at fault, or several. */
export class InvalidRequest extends ApiError {
  constructor(
    errors: FieldError[],
    {
      code = 'invalid_request',
      count = errors.length,
    }: { code?: 'invalid_request' | 'url_not_allowed' | 'unknown_event_type'; count?: number } = {},
  ) {
    super(code, sentence(errors, count), { errors });
  }
}

/** The request is fine in itself, but not in the state that things are in. */
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
    const message = `"${type}" is not in the catalogue: see GET /v1/event-types, or have an operator add it`;
    super([{ path, message }], { code: 'unknown_event_type' });
  }
}

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

/** `holder`: what has `most` streams open. */
export class TooManyStreams extends ApiError {
  constructor(holder: string, most: number) {
    super('rate_limited', `${holder} has ${most} streams open, as many as it may have. Close one first.`, {
      headers: { 'retry-after': '10' },
    });
  }
}

/** `holder`: what runs `most` exports. */
export class TooManyExports extends ApiError {
  constructor(holder: string, most: number) {
    super('rate_limited', `${holder} runs ${most} exports, as many as it may. Wait until one has ended.`, {
      headers: { 'retry-after': '10' },
    });
  }
}

export class TooManyWaiting extends ApiError {
  constructor(most: number) {
    super(
      'rate_limited',
      `${most} requests of this account wait for a verification, as many as may wait at once. Try again in 5 s.`,
      { headers: { 'retry-after': '5' } },
    );
  }
}

export class Unavailable extends ApiError {
  constructor(cause: unknown) {
    super('unavailable', 'The service cannot answer at the moment. Try again shortly.', {
      headers: { 'retry-after': '2' },
      cause,
    });
  }
}

/** Callers make up names and values: an error repeats the beginning of them. */
const shortened = ({ path, message }: FieldError): FieldError => ({
  path: beginning(path, 120),
  message: beginning(message, 500),
});
const beginning = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text);

function sentence(errors: FieldError[], count = errors.length): string {
  const [first] = errors.slice(0, 1).map(shortened);
  if (!first) return 'The request is not valid.';
  const isSentence = /^[A-Z]/.test(first.message);
  const text = isSentence ? first.message : `${first.path || 'The body'} ${first.message}.`;
  return count === 1 ? text : `${text} (And ${count - 1} more.)`;
}
