import { openApi } from '../api/open-api.js';
import { createSignInLink } from '../create-sign-in-link.js';
import { readSignInSettings, resolveDataDir } from '../env.js';
import { readLocalFile } from '../local-stack/local-file.js';
import type { Call } from './context.js';

/** Prints a sign-in link for an operator: of the API at POSTHORN_API_URL, or of the connection that every command uses. */
export async function signIn({ options, terminal }: Call): Promise<void> {
  const { apiUrl, operatorKey, dataDir } = readSignInSettings();
  const server =
    apiUrl !== null && operatorKey !== null ? { apiUrl, operatorKey } : serverOf(openApi(options).connection);
  const { url, token } = await createSignInLink(server);
  // While the sources are watched, the console is at another address than the API.
  const local = readLocalFile(resolveDataDir(dataDir));
  const link = local?.apiUrl === server.apiUrl ? signInUrl(local.consoleUrl, token) : url;
  terminal.result({ url: link }, () => link);
  if (!terminal.isJson) terminal.note('It works once, within 5 minutes.');
}

const serverOf = ({ url, apiKey }: { url: URL; apiKey: string }) => ({
  apiUrl: url.href.replace(/\/+$/, ''),
  operatorKey: apiKey,
});

/** The page of the console that reads the token. It is in the fragment, so no server and no log gets it. */
export const signInUrl = (consoleUrl: string, token: string): string =>
  new URL(`sign-in#token=${token}`, consoleUrl).href;
