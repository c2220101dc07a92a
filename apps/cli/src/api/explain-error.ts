import { ApiProblem, ApiUnreachable } from '@posthorn/client';
import type { Connection } from '../connection/choose-connection.js';
import { EXIT, type ExitCode, PlainError } from '../plain-error.js';

/** Turns an error of the client into one that says what happened, why, and what to do. Returns other errors unchanged. */
export function explainError(error: unknown, { source }: Pick<Connection, 'source'>): unknown {
  if (error instanceof ApiProblem) return problem(error, source);
  if (!(error instanceof ApiUnreachable)) return error;
  const reason = codeOf(error);
  return new PlainError(`${error.message}${reason === null ? '' : ` (${reason})`}`, {
    cause: error,
    fix: `Check that the server is running and that the URL is right. It comes from ${source}.`,
    exitCode: EXIT.server,
    fields: { code: 'unreachable' },
  });
}

function problem(error: ApiProblem, source: string): PlainError {
  const { status, code, requestId, errors, message } = error;
  const others = errors.slice(1).map((one) => `\n  ${one.path} ${one.message}`);
  return new PlainError(`${message}${others.join('')}`, {
    cause: error,
    fix: fixOf(code, source),
    exitCode: exitCodeOf(status),
    fields: { code, status, requestId, errors },
  });
}

function exitCodeOf(status: number): ExitCode {
  if (status === 404) return EXIT.notFound;
  if (status === 401 || status === 403) return EXIT.notAllowed;
  return status >= 500 ? EXIT.server : EXIT.failed;
}

function fixOf(code: string, source: string): string | undefined {
  switch (code) {
    case 'unauthenticated':
      return `The key comes from ${source}. Enter a valid one with posthorn login.`;
    case 'forbidden':
      return 'Use a key with this scope, or the operator key. posthorn keys create makes one.';
    case 'not_found':
      return 'Check the id and the account (--account). The list command of the noun prints the ids.';
    case 'unknown_event_type':
      return 'posthorn event-types list prints the catalogue; posthorn event-types put adds a type.';
    case 'schema_mismatch':
      return 'posthorn event-types get prints the schema and an example.';
    case 'internal_error':
      return 'Look for the request id in the log of the API.';
    default:
      return code.startsWith('http_') ? `Check the URL of the API. It comes from ${source}.` : undefined;
  }
}

/** The code of the deepest cause, such as ECONNREFUSED. */
function codeOf(error: unknown): string | null {
  let code: string | null = null;
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') ({ code } = at);
  }
  return code;
}
