/** What went wrong is told in full by the message; a stack trace would only hide it. */
export class PlainError extends Error {
  override name = 'PlainError';
}
