import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { waitFor } from '@posthorn/testing';
import { expect, it } from 'vitest';
import { openExportStream } from './export-stream.js';

/** As many texts of 64 KiB as are asked for; `asked` counts them. */
function openTexts(count: number) {
  const state = { asked: 0, isReturned: false };
  async function* make() {
    try {
      while (state.asked < count) {
        state.asked += 1;
        yield 'x'.repeat(64 * 1024);
      }
    } finally {
      state.isReturned = true;
    }
  }
  return { state, texts: make() };
}

it('streams all texts, then ends', async () => {
  const { texts } = openTexts(5);
  expect(await text(openExportStream(texts))).toHaveLength(5 * 64 * 1024);
});

it('requests the next text only after the reader has read the ones before', async () => {
  const { state, texts } = openTexts(100);
  const readable = openExportStream(texts);
  await once(readable, 'readable');
  expect(state.asked).toBe(1);
  readable.read();
  await waitFor(() => state.asked === 2);
  readable.destroy();
  await waitFor(() => state.isReturned);
  expect(state.asked).toBe(2);
});

it('ends with an error when the reader reads nothing for too long', async () => {
  const { state, texts } = openTexts(100);
  const readable = openExportStream(texts, { stuckMs: 1 });
  readable.read(0);
  const [error] = await once(readable, 'error');
  expect(error).toMatchObject({ message: expect.stringContaining('read nothing') });
  await waitFor(() => state.isReturned);
});

it('fails with the error of its source', async () => {
  async function* broken() {
    yield 'a';
    throw new Error('the database is away');
  }
  await expect(text(openExportStream(broken()))).rejects.toThrow('the database is away');
});
