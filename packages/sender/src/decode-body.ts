import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { CappedBody } from './read-capped.js';

// What compressing may add to a body that does not compress: headers, and five bytes per stored block.
export const ENCODING_SLACK_BYTES = 1024;

export type Encoding = 'gzip' | 'deflate' | 'br';

/** How an endpoint compressed its response, although it was asked not to, from the values of content-encoding. Returns null if it
 *  did not, did so twice, or in a way that we cannot undo. */
export function readEncoding(contentEncoding: readonly string[]): Encoding | null {
  const names = contentEncoding.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  const [name, ...others] = names.filter((one) => one !== '' && one !== 'identity');
  if (others.length > 0) return null;
  if (name === 'x-gzip') return 'gzip';
  return name === 'gzip' || name === 'deflate' || name === 'br' ? name : null;
}

/** Decompresses the beginning of a body, at most `capBytes` of it: a bomb stops there, after one more chunk. An input that ends
 *  early gives what it holds. Returns null when it is not in that encoding; never throws. */
export function decodeBody(
  raw: Buffer,
  { encoding, keepBytes, capBytes }: { encoding: Encoding; keepBytes: number; capBytes: number },
): Promise<CappedBody | null> {
  const decoder = decoderFor(encoding, raw);
  const body = new CappedBody({ keepBytes, capBytes });
  return new Promise((resolve) => {
    decoder.on('error', () => resolve(null));
    decoder.on('end', () => resolve(body));
    decoder.on('data', (chunk: Buffer) => {
      if (body.take(chunk)) return;
      decoder.destroy();
      resolve(body);
    });
    decoder.end(raw);
  });
}

function decoderFor(encoding: Encoding, raw: Buffer) {
  const zlib = { finishFlush: constants.Z_SYNC_FLUSH }; // no error for a body that was cut off
  switch (encoding) {
    case 'gzip':
      return createGunzip(zlib);
    case 'deflate': // by the standard with a zlib header, whose low half byte is 8; some servers send it without
      return ((raw[0] ?? 0) & 0x0f) === 8 ? createInflate(zlib) : createInflateRaw(zlib);
    case 'br':
      return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });
    default:
      return encoding satisfies never;
  }
}
