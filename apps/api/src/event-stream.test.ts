import { expect, it } from 'vitest';
import { openEventStream } from './event-stream.js';

const read = (stream: ReturnType<typeof openEventStream>): string => String(stream.readable.read() ?? '');
const event = (id: string) => ({ name: 'attempt', id, data: { id } });

it('sends an event with its name, its id and one line of JSON', () => {
  const stream = openEventStream({ perSecond: 1, burst: 10 });
  stream.send({ name: 'attempt', id: 'att_1', data: { text: 'two\nlines' } });
  expect(read(stream)).toBe('retry: 2000\n\nevent: attempt\nid: att_1\ndata: {"text":"two\\nlines"}\n\n');
});

it('skips events above the rate limit, and sends their number before the next event', () => {
  let now = 0;
  const stream = openEventStream({ perSecond: 2, burst: 3, now: () => now });
  for (let n = 1; n <= 8; n += 1) stream.send(event(`att_${n}`));
  expect(read(stream).match(/id: att_\d/g)).toEqual(['id: att_1', 'id: att_2', 'id: att_3']);
  now = 1_000;
  stream.send(event('att_9'));
  expect(read(stream)).toBe('event: skipped\ndata: {"count":5}\n\nevent: attempt\nid: att_9\ndata: {"id":"att_9"}\n\n');
});

it('buffers a bounded amount for a reader that does not read, reports the skipped events, and ends the stream after a minute', () => {
  let now = 0;
  const stream = openEventStream({ perSecond: 1e9, burst: 1e9, now: () => now });
  const large = { text: 'x'.repeat(10_000) };
  for (let n = 0; n < 1_000; n += 1) stream.send({ name: 'attempt', id: 'att_1', data: large });
  expect(stream.readable.readableLength).toBeLessThan(300_000);
  now = 50_000;
  stream.beat();
  expect(stream.readable.destroyed).toBe(false);
  const taken = read(stream);
  const sent = taken.match(/event: attempt/g)?.length ?? 0;
  stream.beat();
  expect(read(stream)).toBe(`event: skipped\ndata: {"count":${1_000 - sent}}\n\n: still here\n\n`);
  for (let n = 0; n < 1_000; n += 1) stream.send({ name: 'attempt', id: 'att_1', data: large });
  now = 120_000;
  stream.beat();
  expect(stream.readable.destroyed).toBe(true);
});

it('reports an unknown number of skipped events as null', () => {
  const stream = openEventStream({ perSecond: 1, burst: 1 });
  stream.send(event('att_1'));
  stream.send(event('att_2'));
  stream.skip(null);
  stream.beat();
  expect(read(stream)).toContain('event: skipped\ndata: {"count":null}\n\n');
});

it('sends nothing after its end, and is destroyed at the next beat if its reader has not read everything', () => {
  const stream = openEventStream({ perSecond: 1, burst: 10 });
  stream.send(event('att_1'));
  stream.end();
  stream.end();
  stream.send(event('att_2'));
  expect([read(stream).match(/id: att_\d/g), stream.readable.errored]).toEqual([['id: att_1'], null]);
  stream.beat();
  expect([stream.readable.destroyed, stream.readable.errored]).toEqual([true, null]);
});

it('buffers as much as its creator allows, and one event more', () => {
  const stream = openEventStream({ perSecond: 1e9, burst: 1e9, maxBufferedBytes: 1_000_000 });
  const large = { text: 'x'.repeat(300_000) };
  for (let n = 0; n < 10; n += 1) stream.send({ name: 'event', id: 'evt_1', data: large });
  expect(read(stream).match(/event: event/g)).toHaveLength(4);
});
