import { type Problem, PROBLEMS } from '@posthorn/contract';
import { isDatabaseAway, isTransient } from '@posthorn/core';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, InvalidRequest, NotFound, Unavailable } from './errors.js';
import { InvalidInput } from './validate.js';

/** Sends any error as problem+json. Internal errors are logged, and their cause is not sent. */
export function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const known = toApiError(error, request);
  logOurs(known, error, request);
  sendProblem(known, request, reply);
}

function sendProblem(error: ApiError, request: FastifyRequest, reply: FastifyReply): void {
  request.problemCode = error.code;
  void reply
    .code(error.status)
    .headers({ 'x-request-id': request.id, ...error.headers })
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(error, request.id)));
}

export function problemOf(error: ApiError, requestId: string): Problem {
  const { code, status, message, errors } = error;
  const { title } = PROBLEMS[code];
  return { type: `urn:posthorn:problem:${code}`, title, status, code, detail: message, errors, requestId };
}

/** Logs internal errors, and at info a client that disconnects during its request. */
export function logOurs(known: ApiError, error: unknown, request: FastifyRequest): void {
  if (known.status >= 500) request.log.error({ err: error }, 'request.failed');
  else if (isAborted(error, request)) {
    request.log.info({ method: request.method, route: request.routeOptions.url }, 'request.aborted');
  }
}

/** True if the connection ended before the request body did. */
const isAborted = (error: unknown, { raw }: FastifyRequest): boolean =>
  error instanceof Error && raw.errored === error && codeOf(error) === 'ECONNRESET';

/** Returns what the caller may know about an error: nothing about an unexpected one. */
export function toApiError(error: unknown, request: FastifyRequest): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof InvalidInput) return fromInput(error, request);
  if (isAborted(error, request))
    return new ApiError('bad_request', 'The connection ended before the request was complete.');
  if (isDatabaseAway(error) || isTransient(error)) return new Unavailable(error);
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const limit = request.routeOptions.bodyLimit;
      return new ApiError('payload_too_large', `The body must be at most ${limit} bytes.`);
    }
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new NotFound('object'); // no id is this long
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ApiError('unsupported_media_type', 'Send the body with the header content-type: application/json.');
    default:
      if (isBadRequest(error))
        return new ApiError('bad_request', 'The request is malformed. Check its URL and its headers.');
      return new ApiError('internal_error', 'An internal error occurred. It was logged with the request id.');
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** True for Fastify's errors about malformed requests. */
function isBadRequest(error: unknown): boolean {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return codeOf(error).startsWith('FST_') && status >= 400 && status < 500;
}

function fromInput({ errors, count, validationContext }: InvalidInput, request: FastifyRequest): ApiError {
  // A malformed id cannot exist. For a PUT, which creates objects, the error says which ids are valid.
  if (validationContext === 'params' && request.method !== 'PUT') return new NotFound('object');
  return new InvalidRequest(errors, { count });
}
