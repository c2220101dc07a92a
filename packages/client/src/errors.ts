import type { components } from './generated/api.js';

type Problem = components['schemas']['Problem'];

/** Stable error code of a problem. */
export type ProblemCode = Problem['code'];

/** The superclass of all errors of this package. */
export class PosthornError extends Error {
  override name = 'PosthornError';
}

/** Posthorn refused the request. Switch on `code`. `message` says what happened, and how to fix it. */
export class ApiProblem extends PosthornError {
  override name = 'ApiProblem';
  /** The HTTP status. */
  readonly status: number;
  /** `http_<status>`: the response is not from Posthorn, but for example from a proxy. */
  readonly code: ProblemCode | `http_${number}`;
  /** The invalid fields. Empty: the problem is not about a field. */
  readonly errors: Problem['errors'];
  /** Include it when you ask for help. null: the response has none. */
  readonly requestId: string | null;
  /** How long to wait before the next request. null: the response does not say. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    {
      status,
      code,
      errors,
      requestId,
      retryAfterMs,
    }: Pick<ApiProblem, 'status' | 'code' | 'errors' | 'requestId' | 'retryAfterMs'>,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No response arrived in time, so the request may or may not have taken effect. `cause` is the error of the last attempt. */
export class ApiUnreachable extends PosthornError {
  override name = 'ApiUnreachable';
}

/** Returns the problem in an error response. */
export function readProblem(response: Response, text: string): ApiProblem {
  const { status, headers } = response;
  const problem = parseProblem(text);
  return new ApiProblem(problem?.detail ?? `Posthorn, or a proxy before it, returned status ${status}.`, {
    status,
    code: problem?.code ?? `http_${status}`,
    errors: problem?.errors ?? [],
    requestId: problem?.requestId ?? headers.get('x-request-id'),
    retryAfterMs: readRetryAfter(headers.get('retry-after'), Date.now()),
  });
}

function parseProblem(text: string): Problem | null {
  try {
    const value: Problem | null = JSON.parse(text);
    return typeof value?.code === 'string' && typeof value.detail === 'string' ? value : null;
  } catch {
    return null;
  }
}

/** Reads seconds or an HTTP date. Returns milliseconds from `now`; null: absent or unreadable. */
export function readRetryAfter(value: string | null, now: number): number | null {
  if (value === null || value.trim() === '') return null;
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(value) - now : seconds * 1000;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
