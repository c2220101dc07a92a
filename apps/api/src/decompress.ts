import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { ApiError } from './errors.js';

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const fromGzip: Decompress = promisify(gunzip);
const fromZlib: Decompress = promisify(inflate);
const fromRaw: Decompress = promisify(inflateRaw);
// RFC 9110 §8.4.1.2 requires zlib's header, which some senders omit. Its first byte names the method, always 8.
const fromDeflate: Decompress = (bytes, options) =>
  (((bytes[0] ?? 0) & 0x0f) === 8 ? fromZlib : fromRaw)(bytes, options);

const CODINGS = new Map<string, Decompress>([
  ['gzip', fromGzip],
  ['x-gzip', fromGzip], // RFC 9110 §8.4.1.3: same as gzip
  ['deflate', fromDeflate],
  ['br', promisify(brotliDecompress)],
]);
const ACCEPTED = 'gzip, deflate, br';

/** Returns the body without its content-encoding (RFC 9110 §8.4). zlib runs outside the event loop and stops after `maxBytes`, so
 *  a decompression bomb costs no more than the largest valid body.
 *
 *  Throws an ApiError: 413 above `maxBytes`, 415 for another or several content-encodings, 400 for a broken stream. */
export async function decompress(
  body: Buffer,
  { coding = '', maxBytes }: { coding: string | undefined; maxBytes: number },
): Promise<Buffer> {
  const name = coding.trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  const restore = CODINGS.get(name);
  if (!restore) {
    throw new ApiError(
      'unsupported_media_type',
      `Send the body with one content-encoding (${ACCEPTED}), or without any.`,
      { headers: { 'accept-encoding': ACCEPTED } },
    );
  }
  try {
    return await restore(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ApiError('payload_too_large', `The body must be at most ${maxBytes} bytes after decompression.`);
    }
    throw new ApiError(
      'bad_request',
      `The body is not valid ${name}, or it is incomplete. Check its content-encoding.`,
      { cause: error },
    );
  }
}
