/** Reads the body of an endpoint's response as text: by its byte order mark, else by the `charset` of its content type, else as
 *  UTF-8, else as latin1. Uses the first of these that fits every byte; latin1 always does. Removes a byte order mark.
 *  `isCut` says that more bytes came than these: then it drops an unfinished character at the end. */
export function responseText(
  bytes: Uint8Array,
  { headers, isCut }: { headers: Readonly<Record<string, string>> | null; isCut: boolean },
): string {
  for (const encoding of [markedEncoding(bytes), namedEncoding(headers?.['content-type']), 'utf-8']) {
    const text = encoding === null ? null : decode(bytes, { encoding, isCut });
    if (text !== null) return text;
  }
  return Buffer.from(bytes).toString('latin1');
}

function markedEncoding([first, second, third]: Uint8Array): string | null {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : null;
}

function namedEncoding(contentType: string | undefined): string | null {
  return /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType ?? '')?.[1] ?? null;
}

function decode(bytes: Uint8Array, { encoding, isCut }: { encoding: string; isCut: boolean }): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    return null; // unknown, or not what these bytes are
  }
}
