import { shellQuote } from '../../components/shell-quote.js';

/** Returns the curl command that sends a delivery's request. It has no signature, because that needs the secret. `--globoff`: a URL may
 *  have brackets and braces. */
export const curlCommand = ({ url, eventId, body }: { url: string; eventId: string; body: string }): string =>
  [
    `curl -i --globoff -X POST ${shellQuote(url)}`,
    `-H 'content-type: application/json'`,
    `-H ${shellQuote(`webhook-id: ${eventId}`)}`,
    `--data-raw ${shellQuote(body)}`,
  ].join(' \\\n  ');
