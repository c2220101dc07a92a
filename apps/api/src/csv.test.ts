import { expect, it } from 'vitest';
import { csvLine } from './csv.js';

it('quotes commas, quotes and line breaks, and writes null as an empty cell', () => {
  expect(csvLine(['a', 'b,c', 'say "hi"', 'two\nlines', null, '', 7])).toBe(
    'a,"b,c","say ""hi""","two\nlines",,,7\r\n',
  );
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
  'adds a leading apostrophe to a text that looks like a formula: %j',
  (text) => {
    const [cell = ''] = csvLine([text]).split('\r\n');
    expect(cell.replace(/^"/, '')).toMatch(/^'/);
  },
);

it('does not change numbers, including negative ones', () => {
  expect(csvLine([-1, 0.5])).toBe('-1,0.5\r\n');
});
