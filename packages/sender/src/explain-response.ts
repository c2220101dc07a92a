import { request } from 'node:http';
import { Duplex } from 'node:stream';
import { codeOf } from './connect-failure.js';
import { printable } from './printable.js';
import { isMaskedHeader } from './response-headers.js';

const SHOWN_BYTES = 256;
const HEADER = /^([^\s:]+)[ \t]*:[^\r\n]*/gm;
const STATUS = /^HTTP\/\d\.\d +(\d{3})\b/;

/** Explains why a response without a status is invalid, and what to do. `head` is at most MAX_HEAD_BYTES of the
 *  response, of which the message shows the first 256. `isBrokenOff`: the connection ended before the parser found
 *  an error. */
export async function explainResponse(
  head: Buffer,
  { host, isBrokenOff }: { host: string; isBrokenOff: boolean },
): Promise<Explained> {
  const first = head
    .toString('latin1', 0, SHOWN_BYTES)
    .replace(HEADER, (header: string, name: string) => (isMaskedHeader(name) ? `${name}: ****` : header));
  const shown = `It begins with "${printable(Buffer.from(first, 'latin1'))}".`;
  const start = head.toString('latin1', 0, 32);
  if (isTlsRecord(head)) {
    return without(`${host} responded with TLS to a plain HTTP request. Use a URL with https://. ${shown}`);
  }
  const status = Number(STATUS.exec(start)?.[1]);
  if (status === 101 || status < 100) {
    return without(
      `Your endpoint returned status ${start.slice(9, 12)}, which is not a final status. Respond with 2xx. ${shown}`,
    );
  }
  if (isBrokenOff) {
    return without(
      `Your endpoint closed the connection within the headers of its response. Send status, headers and an empty line. ${shown}`,
    );
  }
  const fault = await findFault(head);
  const cause = fault === null ? '' : `: ${fault.reason}(${fault.code})`;
  return {
    fault: fault && fault.code,
    text: `Your endpoint's response is not valid HTTP/1.1${cause}. ${shown} Check which server listens on this port.`,
  };
}

/** `fault`: the code of the parser, such as HPE_INVALID_VERSION; null if it found no error. */
interface Explained {
  fault: string | null;
  text: string;
}

const without = (text: string): Explained => ({ fault: null, text });

/** Returns true for an alert or a handshake message of TLS. */
function isTlsRecord([type, version]: Buffer): boolean {
  return (type === 0x15 || type === 0x16) && version === 3;
}

/** Parses the bytes with Node's own parser to get its error code, which undici loses. Returns null if it finds no
 *  error. */
function findFault(head: Buffer): Promise<{ reason: string; code: string } | null> {
  return new Promise((resolve) => {
    const replay = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const parsing = request({ method: 'POST', createConnection: () => replay });
    const end = (fault: { reason: string; code: string } | null) => {
      resolve(fault);
      parsing.destroy();
      replay.destroy();
    };
    parsing.on('error', (error) => {
      const code = codeOf(error);
      const reason: unknown = 'reason' in error ? error.reason : null;
      end(code?.startsWith('HPE_') ? { reason: typeof reason === 'string' ? `${reason} ` : '', code } : null);
    });
    parsing.on('response', (response) => {
      response.on('error', () => {});
      end(null);
    });
    parsing.on('upgrade', () => end(null));
    parsing.end(() => {
      replay.push(head);
      replay.push(null);
    });
  });
}
