import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { CappedBody } from './read-capped.js';

// What compression may add to an incompressible body: headers, and five bytes per stored block.
export const ENCODING_SLACK_BYTES = 1024;

export type Encoding = 'gzip' | 'deflate' | 'br';

/** Returns how the response is compressed, although the request asked for none, from the values of content-encoding.
 *  Returns null if it is not compressed, compressed twice, or in an unsupported way. */
export function readEncoding(contentEncoding: readonly string[]): Encoding | null {
  const names = contentEncoding.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  const [name, ...others] = names.filter((one) => one !== '' && one !== 'identity');
  if (others.length > 0) return null;
  if (name === 'x-gzip') return 'gzip';
  return name === 'gzip' || name === 'deflate' || name === 'br' ? name : null;
}

/** Decompresses at most the first `capBytes` of a body: a decompression bomb stops there, after one more chunk. For
 *  a cut input it returns what it can. Returns null if the body does not have that encoding; never throws. */
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
  const zlib = { finishFlush: constants.Z_SYNC_FLUSH }; // no error for a cut body
  switch (encoding) {
    case 'gzip':
      return createGunzip(zlib);
    case 'deflate': // the standard requires a zlib header, whose low half byte is 8, but some servers omit it
      return ((raw[0] ?? 0) & 0x0f) === 8 ? createInflate(zlib) : createInflateRaw(zlib);
    case 'br':
      return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });
    default:
      return encoding satisfies never;
  }
}
