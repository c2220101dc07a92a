import { PlainError } from './plain-error.js';

/** Requests a sign-in link from the API. Throws an error with one sentence if the API refuses or does not respond. */
export async function createSignInLink({
  apiUrl,
  operatorKey,
}: {
  apiUrl: string;
  operatorKey: string;
}): Promise<{ url: string; token: string }> {
  let response: Response;
  try {
    response = await fetch(`${apiUrl.replace(/\/+$/, '')}/v1/sign-in-links`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operatorKey}` },
      signal: AbortSignal.timeout(15_000),
    });
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    throw new PlainError(`${apiUrl} does not respond: ${cause?.code ?? (error as Error).message}`, { cause: error });
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.status === 201) return body as { url: string; token: string };
  const detail = (body as { detail?: string } | null)?.detail;
  throw new PlainError(`The API refused to create a sign-in link (${response.status}). ${detail ?? ''}`.trim());
}
