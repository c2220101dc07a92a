/** An error whose message is complete, so it is printed without a stack trace. */
export class PlainError extends Error {
  override name = 'PlainError';
}
