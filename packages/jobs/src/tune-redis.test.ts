import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { writeTogether } from './tune-redis.js';

it('sends all writes of one callback and its promises in one call, in order', async () => {
  const writes: string[][] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      writes.push([chunk]);
      done();
    },
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
  writeTogether(stream);

  await new Promise<void>((resolve) => {
    setImmediate(() => {
      const late = (text: string) => Promise.resolve().then(() => Promise.resolve().then(() => stream.write(text)));
      void Promise.all([late('a'), late('b'), late('c')]);
      setImmediate(resolve);
    });
  });
  stream.write('d');
  await new Promise((resolve) => setImmediate(resolve));
  expect(writes).toEqual([['a', 'b', 'c'], ['d']]);
});
