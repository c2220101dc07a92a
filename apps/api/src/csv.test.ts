import { expect, it } from 'vitest';
import { csvLine } from './csv.js';

it('quotes what would end a cell, and leaves null empty', () => {
  expect(csvLine(['a', 'b,c', 'say "hi"', 'two\nlines', null, '', 7])).toBe(
    'a,"b,c","say ""hi""","two\nlines",,,7\r\n',
  );
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
  'gives a text that begins as a formula an apostrophe: %j',
  (text) => {
    const [cell = ''] = csvLine([text]).split('\r\n');
    expect(cell.replace(/^"/, '')).toMatch(/^'/);
  },
);

it('leaves numbers as they are, also negative ones', () => {
  expect(csvLine([-1, 0.5])).toBe('-1,0.5\r\n');
});
