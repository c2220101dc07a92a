import { z } from 'zod';

/** Every error code with its HTTP status and title. Codes are stable: callers switch on them. */
export const PROBLEMS = {
  invalid_json: { status: 400, title: 'The body is not JSON' },
  bad_request: { status: 400, title: 'The request is not valid HTTP' },
  unauthenticated: { status: 401, title: 'No valid key' },
  forbidden: { status: 403, title: 'The key is not allowed to do this' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'The path does not have this method' },
  idempotency_conflict: { status: 409, title: 'The Idempotency-Key was used with another body' },
  quota_reached: { status: 409, title: 'The account has reached its limit' },
  account_reserved: { status: 409, title: 'The account belongs to the operators' },
  account_erasing: { status: 409, title: 'The deleted account with this id is still being erased' },
  replay_running: { status: 409, title: 'Another replay is running' },
  payload_too_large: { status: 413, title: 'The body or payload is too large' },
  unsupported_media_type: { status: 415, title: 'The media type or content encoding of the body is not supported' },
  invalid_request: { status: 422, title: 'The request is not valid' },
  url_not_allowed: { status: 422, title: 'The URL is not allowed' },
  unknown_event_type: { status: 422, title: 'The event type is not in the catalogue' },
  schema_mismatch: { status: 422, title: 'The payload does not match the schema of its event type' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);
export const problemCodes: ProblemCode[] = Object.keys(PROBLEMS).filter(isProblemCode);

export const Problem = z
  .object({
    type: z.string().describe('`urn:posthorn:problem:<code>`.'),
    title: z.string().describe('Title of the problem, the same for every occurrence of the code.'),
    status: z.int().describe('The HTTP status.'),
    code: z.enum(problemCodes).describe('Stable error code: switch on this.'),
    detail: z.string().describe('What happened this time, and how to fix it.'),
    errors: z
      .array(
        z.object({
          path: z.string().describe('The field, such as `url` or `events[0].payload`. Empty: the whole body.'),
          message: z.string().describe('What the field must be.'),
        }),
      )
      .describe('The invalid fields. Empty: the problem is not about a field.'),
    requestId: z.string().describe('The `X-Request-Id` of the response. Include it when you ask for help.'),
  })
  .meta({
    id: 'Problem',
    description: 'The body of every error response (RFC 9457).',
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
