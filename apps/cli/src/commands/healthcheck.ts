import { readFileSync } from 'node:fs';
import { readHealthSettings, resolveDataDir } from '../env.js';
import { parseUrl } from '../connection/choose-connection.js';
import { readLocalFile } from '../local-stack/local-file.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { Call } from './context.js';
import { findOwnHealthUrl } from './own-health-url.js';

/** Requests the URL and prints the response. Default: the process of this container, else the API of this machine; `/readyz` if the URL
 *  has no path. Exit code 1 unless the response is a 2xx within five seconds. */
export async function healthcheck({ args: [given], terminal }: Call): Promise<void> {
  const url = given === undefined ? findOwnUrl() : parseUrl(given, 'url');
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

function findOwnUrl(): URL {
  const settings = readHealthSettings();
  const local = readLocalFile(resolveDataDir(settings.dataDir));
  return local === null ? findOwnHealthUrl(readFirstCommand(), settings) : new URL(local.apiUrl);
}

/** The command of the first process: in a container, its own command, perhaps behind an init. */
function readFirstCommand(): string {
  try {
    return readFileSync('/proc/1/cmdline', 'utf8');
  } catch {
    return ''; // not Linux
  }
}
