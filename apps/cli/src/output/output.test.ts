import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { printable } from './printable.js';
import { openProgressBar, progressText } from './progress-bar.js';
import { fields, table } from './table.js';
import { openTerminal } from './terminal.js';

const plain = (_style: string, text: string) => text;

function sink({ isTTY }: { isTTY: boolean }) {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), text: () => written.join('') };
}

it('aligns rows under their titles, without trailing spaces', () => {
  const rows = [
    { id: 'a', note: 'first' },
    { id: 'longer', note: null },
  ];
  expect(
    table(
      rows,
      [
        ['ID', ({ id }) => id],
        ['NOTE', ({ note }) => note],
      ],
      plain,
    ),
  ).toBe('ID      NOTE\na       first\nlonger  –');
  expect(
    fields(
      [
        ['id', 'a'],
        ['status', 'ok'],
      ],
      plain,
    ),
  ).toBe('id      a\nstatus  ok');
});

it('replaces characters that control a terminal or reorder text', () => {
  expect(printable('a\u001b[2J\u009b\r\nb\u202e')).toBe('a\ufffd[2J\ufffd\ufffd\ufffdb\ufffd');
  expect(printable('a\n\tb\r', { lines: true })).toBe('a\n\tb\ufffd');
});

it('colours only for people, and never with --json', () => {
  const painted = (isTTY: boolean, isJson: boolean, hasColour: boolean) =>
    openTerminal({ isJson, hasColour, out: sink({ isTTY }).stream }).paint('red', 'x');
  expect(painted(true, false, true)).toBe('\u001b[31mx\u001b[39m');
  expect([painted(false, false, true), painted(true, true, true), painted(true, false, false)]).toEqual([
    'x',
    'x',
    'x',
  ]);
});

it('results go to stdout, notes to stderr; JSON escapes control characters', () => {
  const [out, err] = [sink({ isTTY: false }), sink({ isTTY: false })];
  const terminal = openTerminal({ isJson: true, hasColour: false, out: out.stream, err: err.stream });
  terminal.item({ name: '\u009b2J' }, () => 'text');
  terminal.note('note');
  expect([out.text(), err.text()]).toEqual(['{"name":"\\u009b2J"}\n', 'note\n']);
  expect(JSON.parse(out.text())).toEqual({ name: '\u009b2J' });
});

it('draws a progress bar at most every 100 ms and removes it, and only for people', () => {
  expect(progressText('Replaying', 1, 4)).toBe('Replaying [========                      ] 25 % (1 of 4)');
  expect(progressText('Replaying', 0, 0)).toContain('100 %');
  let now = 0;
  const [person, pipe] = [sink({ isTTY: true }), sink({ isTTY: false })];
  for (const { stream } of [person, pipe]) {
    const bar = openProgressBar('x', { err: stream, now: () => now });
    bar.update(1, 4);
    bar.update(2, 4);
    now += 200;
    bar.update(4, 4);
    bar.end();
  }
  expect(person.text().match(/\(\d of 4\)/g)).toEqual(['(1 of 4)', '(4 of 4)']);
  expect(person.text().endsWith('\r\u001b[K')).toBe(true);
  expect(pipe.text()).toBe('');
});
