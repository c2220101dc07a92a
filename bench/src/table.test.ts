import { expect, test } from 'vitest';
import { formatFound, formatGoals, formatTable } from './table.js';

test('aligns the first column left, the others right, to their widest cells', () => {
  const rows = [
    ['steady', '1'],
    ['a', '1000'],
  ];
  expect(formatTable(['', 'per second'], rows)).toBe(
    ['        per second', 'steady           1', 'a             1000'].join('\n'),
  );
});

test('prints reached values and costs as two tables, each with the metrics that occur', () => {
  const found = {
    '50/s': { p50Ms: { median: 12.34, spread: 0.051 }, workerUs: { median: 900.4, spread: 0 } },
    nothing: { p50Ms: null },
  };
  expect(formatFound(found)).toBe(
    [
      '           p50 ms',
      '50/s     12.3 ±5%',
      'nothing         –',
      '',
      'per delivery  worker µs',
      '50/s                900',
    ].join('\n'),
  );
});

test('gives each part of another system a column', () => {
  expect(formatFound({ one: { brokerUs: { median: 7, spread: 0 } } })).toBe(
    'per delivery  broker µs\none                   7',
  );
});

test('marks a goal as reached, missed, or not measured', () => {
  const text = formatGoals([
    { what: 'p50 ms', found: 4.999, wanted: { atMost: 5 } },
    { what: 'against the ceiling', found: 0.6512, wanted: { atLeast: 0.7 } },
    { what: 'per second', found: null, wanted: { atLeast: 1000 } },
    { what: 'status', found: 202, wanted: { exactly: 202 } },
    { what: 'status', found: 500, wanted: { exactly: 413 } },
  ]);
  expect(text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['goal', 'target', 'found'],
    ['p50 ms', '≤ 5', '5', 'reached'],
    ['against the ceiling', '≥ 0.7', '0.651', 'missed'],
    ['per second', '≥ 1000', '–', 'not measured'],
    ['status', '= 202', '202', 'reached'],
    ['status', '= 413', '500', 'missed'],
  ]);
});
