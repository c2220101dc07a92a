/** Decodes the body of a response: by its byte order mark, the `charset` of its content type, UTF-8 or latin1. Uses
 *  the first that fits all bytes; latin1 always does. Removes a byte order mark.
 *  `isCut`: the body has more bytes, so an incomplete character at the end is dropped. */
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
    return null; // an unknown charset, or one that does not fit
  }
}
