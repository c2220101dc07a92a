import { expect, it } from 'vitest';
import { followStream } from './follow-stream.js';

/** Sends the text when it is read, then ends or breaks off. */
function body(text: string, { breaks = false } = {}) {
  let isSent = false;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (!isSent) controller.enqueue(new TextEncoder().encode(text));
        else if (breaks) controller.error(new TypeError('terminated'));
        else controller.close();
        isSent = true;
      },
    },
    { highWaterMark: 0 },
  );
}
const item = (id: string) => `event: event\nid: ${id}\ndata: {"id":"${id}"}\n\n`;

async function follow(script: ((lastId: string | null) => ReadableStream<Uint8Array>)[], count: number) {
  const controller = new AbortController();
  const got: (string | null)[] = [];
  const lastIds: (string | null)[] = [];
  const notes: string[] = [];
  const items = followStream({
    open: async (lastId) => {
      lastIds.push(lastId);
      const next = script.shift();
      if (next) return next(lastId);
      throw new TypeError('fetch failed');
    },
    signal: controller.signal,
    onOpen: () => notes.push('open'),
    onLost: () => notes.push('lost'),
    firstWaitMs: 1,
  });
  for await (const { id } of items) {
    got.push(id);
    if (got.length === count) controller.abort();
  }
  return { got, lastIds, notes };
}

it('continues after the last item when the connection is lost, and yields each item once', async () => {
  const { got, lastIds, notes } = await follow(
    [() => body(item('1') + item('2')), () => body(`: comment\n\n${item('2')}${item('3')}`)],
    3,
  );
  expect([got, lastIds, notes]).toEqual([
    ['1', '2', '3'],
    [null, '2'],
    ['open', 'lost', 'open'],
  ]);
});

it('survives a response that breaks off, and attempts that fail; reports one loss', async () => {
  const fail = () => {
    throw new TypeError('fetch failed');
  };
  const { got, notes } = await follow([() => body(item('1'), { breaks: true }), fail, fail, () => body(item('2'))], 2);
  expect([got, notes]).toEqual([
    ['1', '2'],
    ['open', 'lost', 'open'],
  ]);
});

it('does not yield items from before the first one, which the server repeats after a lost connection', async () => {
  const [old, first, next] = ['evt_01aaaaaaaa1', 'evt_01bbbbbbbb1', 'evt_01cccccccc1'];
  const { got } = await follow([() => body(item(first)), () => body(item(old) + item(first) + item(next))], 2);
  expect(got).toEqual([first, next]);
});

it('throws if the first request fails', async () => {
  await expect(follow([], 1)).rejects.toThrow('fetch failed');
});
