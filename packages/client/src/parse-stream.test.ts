import { expect, it } from 'vitest';
import { parseStream } from './parse-stream.js';

const TEXT =
  ': hello\n\nid: dlv_1\nevent: delivery\ndata: {"body":"Grüße 👋"}\n\n: beat\n\nevent: skipped\r\ndata: {\r\ndata: "count":3}\r\n\r\nevent: cut';
const MESSAGES = [
  { id: 'dlv_1', event: 'delivery', data: '{"body":"Grüße 👋"}' },
  { id: null, event: 'skipped', data: '{\n"count":3}' },
];

it.each([1, 2, 3, 7, 1000])(
  'reads messages from chunks of %d bytes; skips comments and an incomplete end',
  async (size) => {
    const bytes = new TextEncoder().encode(TEXT);
    async function* chunks() {
      for (let from = 0; from < bytes.length; from += size) yield bytes.slice(from, from + size);
    }
    const messages = [];
    for await (const message of parseStream(chunks())) messages.push(message);
    expect(messages).toEqual(MESSAGES);
  },
);
