import { MAX_BODY_BYTES } from './respond.js';

interface Chunks {
  headers: Headers;
  body: ReadableStream<Uint8Array> | null;
}

/** Returns the body, or null if it has more than MAX_BODY_BYTES. Reads no further then: anybody can send a request to an endpoint. */
export async function readBody({ headers, body }: Chunks): Promise<string | null> {
  if (Number(headers.get('content-length')) > MAX_BODY_BYTES) return null;
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > MAX_BODY_BYTES) {
      await reader.cancel().catch(() => {}); // the connection may have ended
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
}
