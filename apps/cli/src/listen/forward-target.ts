import { isLoopback, parseUrl } from '../connection/choose-connection.js';
import { EXIT, PlainError } from '../plain-error.js';

const PRIVATE = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7';
const LOOPBACK = '127.0.0.0/8,::1,localhost,*.localhost';

/** `3000`, `3000/webhook` and `localhost:3000/webhook` are http URLs of this machine. Throws for another machine unless it is allowed,
 *  since events may contain personal data. */
export function toTarget(text: string, { allowRemote = false }: { allowRemote?: boolean | undefined } = {}): URL {
  const url = parseUrl(complete(text), '--forward');
  if (/^[^#]*\?(.*)/.test(text)) url.search = new URL(complete(text)).search;
  if (allowRemote || isLoopback(url)) return url;
  throw new PlainError(`--forward ${url.origin} is not this machine, and events may contain personal data.`, {
    fix: 'Forward to localhost, or add --allow-remote.',
    exitCode: EXIT.usage,
  });
}

function complete(text: string): string {
  if (/^\d{1,5}(\/.*)?$/.test(text)) return `http://localhost:${text}`;
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
}

/** The networks that `listen` may reach. */
export const allowedNetworks = (allowRemote: boolean): string => (allowRemote ? `${LOOPBACK},${PRIVATE}` : LOOPBACK);
