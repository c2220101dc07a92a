import { readApiSettings, resolveDataDir } from '../env.js';
import { parseUrl } from '../connection/choose-connection.js';
import { readLocalFile } from '../local-stack/local-file.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { Call } from './context.js';

/** Requests the URL and prints the response. Default: the API of this machine; `/readyz` if the URL has no path. Exit code 1 unless
 *  the response is a 2xx within five seconds. */
export async function healthcheck({ args: [given], terminal }: Call): Promise<void> {
  const url = given === undefined ? ownApi() : parseUrl(given, 'url');
  if (url.pathname === '/') url.pathname = '/readyz';
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    throw new PlainError(`${url.href} does not respond: ${cause?.code ?? (error as Error).message}`);
  }
  const text = (await response.text()).trim();
  terminal.result({ url: url.href, status: response.status, body: text }, () => text || String(response.status));
  if (!response.ok) process.exitCode = EXIT.failed;
}

function ownApi(): URL {
  const { apiHost, apiPort, dataDir } = readApiSettings();
  const local = readLocalFile(resolveDataDir(dataDir));
  if (local !== null) return new URL(local.apiUrl);
  const host = apiHost === '0.0.0.0' || apiHost === '::' ? '127.0.0.1' : apiHost;
  return new URL(`http://${host.includes(':') ? `[${host}]` : host}:${apiPort}`);
}
