import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { logOurs, toApiError } from './error-handler.js';
import type { ApiError } from './errors.js';

/** Sends any error in the format of Papercups. Internal errors are logged, and their cause is not sent. */
export function handlePapercupsError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const known = toApiError(error, request);
  logOurs(known, error, request);
  request.problemCode = known.code;
  void reply
    .code(known.status)
    .headers(known.headers)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(bodyOf(known)));
}

function bodyOf({ code, status, message, errors }: ApiError): object {
  switch (code) {
    case 'unauthenticated':
      return { error: { code: 401, message: 'Not authenticated' } };
    case 'forbidden':
    case 'quota_reached':
    case 'rate_limited':
      return { error: { status, message } };
    case 'invalid_request':
      return {
        error: {
          status,
          message: 'Unprocessable Entity',
          errors: Object.fromEntries(errors.map(({ path, message: text }) => [path, [text]])),
        },
      };
    default:
      return { errors: { detail: STATUS_CODES[status] ?? 'Error' } };
  }
}
