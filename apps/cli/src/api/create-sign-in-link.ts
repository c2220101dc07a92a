import { explainError } from './explain-error.js';
import type { Api } from './open-api.js';

/** Requests a sign-in link for an operator. Throws an error with one sentence if the API refuses or does not respond. */
export async function createSignInLink({ client, connection }: Api): Promise<{ url: string; token: string }> {
  try {
    return (await client.routes.POST('/v1/sign-in-links')).data;
  } catch (error) {
    throw explainError(error, connection);
  }
}
