import { readApiSettings, resolveDataDir } from '../env.js';
import { readLocalFile } from '../local-stack/local-file.js';
import { PlainError } from '../plain-error.js';

/** Requests the URL and prints the response. Default: the API of this machine; `/readyz` if the URL has no path. Exit code 1 unless
 *  the response is a 2xx within five seconds. */
export async function healthcheck(given: string | undefined): Promise<void> {
  const url = given === undefined ? ownApi() : new URL(given);
  if (url.pathname === '/') url.pathname = '/readyz';
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    throw new PlainError(`${url.href} does not respond: ${cause?.code ?? (error as Error).message}`);
  }
  const text = (await response.text()).trim();
  console.log(text === '' ? response.status : text);
  if (!response.ok) process.exitCode = 1;
}

function ownApi(): URL {
  const { apiHost, apiPort, dataDir } = readApiSettings();
  const local = readLocalFile(resolveDataDir(dataDir));
  if (local !== null) return new URL(local.apiUrl);
  const host = apiHost === '0.0.0.0' || apiHost === '::' ? '127.0.0.1' : apiHost;
  return new URL(`http://${host.includes(':') ? `[${host}]` : host}:${apiPort}`);
}
