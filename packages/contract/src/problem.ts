import { z } from 'zod';

/** Every code of an error answer, with its status and title. Codes are stable: callers switch on them. */
export const PROBLEMS = {
  invalid_json: { status: 400, title: 'The body is not JSON' },
  bad_request: { status: 400, title: 'The request is not valid HTTP' },
  unauthenticated: { status: 401, title: 'No valid key' },
  forbidden: { status: 403, title: 'The key may not do this' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'The path does not have this method' },
  idempotency_conflict: { status: 409, title: 'The Idempotency-Key was used with another body' },
  quota_reached: { status: 409, title: 'The account has as many as it may have' },
  account_reserved: { status: 409, title: 'The account is the operators’ own' },
  account_erasing: { status: 409, title: 'The deleted account of this id is still being erased' },
  replay_running: { status: 409, title: 'Another replay is running' },
  payload_too_large: { status: 413, title: 'The body or payload is too large' },
  unsupported_media_type: { status: 415, title: 'The body’s media type or coding is not supported' },
  invalid_request: { status: 422, title: 'The request is not valid' },
  url_not_allowed: { status: 422, title: 'The URL is not allowed' },
  unknown_event_type: { status: 422, title: 'The event type is not in the catalogue' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Not available at the moment' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);
export const problemCodes: ProblemCode[] = Object.keys(PROBLEMS).filter(isProblemCode);

export const Problem = z
  .object({
    type: z.string().describe('`urn:posthorn:problem:<code>`.'),
    title: z.string().describe('What kind of problem it is, the same for every occurrence of the code.'),
    status: z.int().describe('The HTTP status.'),
    code: z.enum(problemCodes).describe('Stable: switch on this.'),
    detail: z.string().describe('What happened this time, and what to do about it.'),
    errors: z
      .array(
        z.object({
          path: z.string().describe('The field, such as `url` or `events[0].payload`; empty: the body as a whole.'),
          message: z.string().describe('What it must be.'),
        }),
      )
      .describe('The fields at fault; empty when no field is.'),
    requestId: z.string().describe('The answer’s `X-Request-Id`: quote it when asking for help.'),
  })
  .meta({
    id: 'Problem',
    description: 'Every error answer (RFC 9457).',
    examples: [
      {
        type: 'urn:posthorn:problem:invalid_request',
        title: 'The request is not valid',
        status: 422,
        code: 'invalid_request',
        detail: 'url is required',
        errors: [{ path: 'url', message: 'is required' }],
        requestId: '8b0c1c7e5f0a4f0e9d5a3a0f5c1f2b6d',
      },
    ],
  });
export type Problem = z.infer<typeof Problem>;
