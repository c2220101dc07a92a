import { createSignInLink } from '../api/create-sign-in-link.js';
import { openApi } from '../api/open-api.js';
import { readSignInSettings, resolveDataDir } from '../env.js';
import { readLocalFile } from '../local-stack/local-file.js';
import type { Call } from './context.js';

/** Prints a sign-in link for an operator, of the server that the options and the environment choose, as in every command. Beside a
 *  server, POSTHORN_API_URL and POSTHORN_OPERATOR_KEY also choose it. */
export async function signIn({ options, terminal }: Call): Promise<void> {
  const settings = readSignInSettings();
  const api = openApi(options, settings);
  const { url, token } = await createSignInLink(api);
  // While the sources are watched, the console is at another address than the API.
  const local = readLocalFile(resolveDataDir(settings.dataDir));
  const isLocal = local !== null && new URL(local.apiUrl).href === api.connection.url.href;
  const link = isLocal ? signInUrl(local.consoleUrl, token) : url;
  terminal.result({ url: link }, () => link);
  if (!terminal.isJson) terminal.note('It works once, within 5 minutes.');
}

/** The page of the console that reads the token. It is in the fragment, so no server and no log gets it. */
export const signInUrl = (consoleUrl: string, token: string): string =>
  new URL(`sign-in#token=${token}`, consoleUrl).href;
