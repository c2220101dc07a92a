import { createSignInLink } from '../create-sign-in-link.js';
import { readSignInSettings, resolveDataDir } from '../env.js';
import { readLocalFile } from '../local-stack/local-file.js';
import { PlainError } from '../plain-error.js';

/** Prints a sign-in link for an operator: of the local stack while it runs, else of the API at POSTHORN_API_URL. */
export async function signIn(): Promise<void> {
  const settings = readSignInSettings();
  const local = settings.apiUrl === null ? readLocalFile(resolveDataDir(settings.dataDir)) : null;
  const apiUrl = settings.apiUrl ?? local?.apiUrl;
  const operatorKey = settings.operatorKey ?? local?.operatorKey;
  if (apiUrl === undefined || operatorKey === undefined) {
    throw new PlainError(
      'No local stack is running. Set POSTHORN_API_URL and POSTHORN_OPERATOR_KEY, or run npm start.',
    );
  }
  const { url, token } = await createSignInLink({ apiUrl, operatorKey });
  // While the sources are watched, the console is at another address than the API.
  console.log(local === null ? url : signInUrl(local.consoleUrl, token));
  console.error('It works once, within 5 minutes.');
}

/** The page of the console that reads the token. It is in the fragment, so no server and no log gets it. */
export const signInUrl = (consoleUrl: string, token: string): string =>
  new URL(`sign-in#token=${token}`, consoleUrl).href;
