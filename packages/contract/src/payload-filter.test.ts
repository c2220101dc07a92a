import { describe, expect, it } from 'vitest';
import { checkFilter } from './payload-filter.js';

/** Also evaluated by Postgres, in core/publish/passes-filter.db.test.ts. */
const FILTERS: [filter: string, ...paths: string[]][] = [
  ['$.conversation.status == "closed"', '$.conversation.status'],
  ['$.total >= 12.5e1', '$.total'],
  ['-3 < $.delta', '$.delta'],
  ['$.isVip == true || $.plan != null', '$.isVip', '$.plan'],
  ['$.a == 1 && ($.b == 2 || !($.c == 3))', '$.a', '$.b', '$.c'],
  ['!exists($.metadata.test)', '$.metadata.test'],
  ['($.n > 5) is unknown', '$.n'],
  ['$.customer.email starts with "vip-"', '$.customer.email'],
  ['$.items[*].sku == "A-1"', '$.items[*].sku'],
  ['$.items[0 to last].n > 1', '$.items[0 to last].n'],
  ['$.items[last - 1] == "x"', '$.items[last - 1]'],
  ['$."content-type" == "text/html"', '$."content-type"'],
  ['$.*.id == 7', '$.*.id'],
  ['$.tags.size() > 2', '$.tags'],
  [
    'exists($.items[*] ? (@.n > 1 && @.sku starts with "A").price)',
    '$.items[*].n',
    '$.items[*].sku',
    '$.items[*].price',
  ],
  ['exists($.tags[*] ? (@ == "vip" || @ starts with "a"))', '$.tags[*]'],
  ['strict $.größe == "groß"', '$.größe'],
  ['$.exists == 1 && $.starts starts with "with"', '$.exists', '$.starts'],
  ['  $ . a\n==\t1 ', '$.a'],
];

it.each(FILTERS)('accepts %s and finds its paths', (filter, ...paths) => {
  expect(checkFilter(filter)).toEqual({ ok: true, paths });
});

describe('refuses, and says what to write instead:', () => {
  it.each([
    ['', 'write a path, such as $.status'],
    ['closed', 'write a path, such as $.status'],
    ['$.status', 'compare the path with a value, or write exists( )'],
    ['$.items[*] ? (@.n > 1)', 'compare the path with a value, or write exists( )'],
    ['$.status = "closed"', 'write == to compare'],
    ['$.status == closed', 'write a path, such as $.status, or a text in double quotes: "closed"'],
    ['$.status ==', 'write a path, such as $.status, or a value'],
    ["$.status == 'closed'", 'write texts in double quotes'],
    ['$.status == "closed', 'the text has no closing quote'],
    ['$.a == 1 and $.b == 2', 'write && for and'],
    ['$.a == 1 OR $.b == 2', 'write || for or'],
    ['not ($.a == 1)', 'write !( ) for not'],
    ['!$.a == 1', 'put the condition after ! into parentheses'],
    ['$.a == 1 $.b == 2', 'join conditions with && or ||'],
    ['($.a == 1', 'expected ) after the condition'],
    ['"a" == "a"', 'compare a path of the payload'],
    ['$ == 1', 'name a field of the payload, such as $.status'],
    ['exists($.a', 'expected ) after the path'],
    ['$.my-key == 1', 'write a key with a hyphen as ."my-key"'],
    ['$.2fa == true', 'a key with other characters in quotes'],
    ['$status == 1', 'there are no variables; write $.key'],
    ['@.a == 1', 'use @ only within ?( )'],
    ['$.a[x] == 1', 'write an index, such as 0'],
    ['$.a.lower() == "x"', 'allowed: type, size'],
    ['$.a.datetime("HH24") == "x"', 'its arguments are not allowed'],
    ['$.a == "\\u0000"', 'compare with \\ufffd instead of NUL'],
    ['$.a starts with $.b', 'write a text in double quotes after starts with'],
    ['; DROP TABLE events', 'write a path, such as $.status'],
  ])('%s: %s', (filter, message) => {
    const check = checkFilter(filter);
    expect(check.ok ? 'accepted' : check.message).toContain(message);
    expect(check.ok ? '' : check.message).toContain('Example: $.conversation.status == "closed"');
  });

  it('names the place and the text there', () => {
    expect(checkFilter('$.status == "a" and $.b == 1')).toMatchObject({
      message: expect.stringContaining('at character 17 (and)'),
    });
    expect(checkFilter('$.status ==')).toMatchObject({ message: expect.stringContaining('at its end') });
  });
});

describe('refuses what can take longer than reading the payload:', () => {
  it.each([
    ['$.body like_regex "(a+)+$"', 'patterns are not allowed'],
    ['$.**.id == 1', '.** is not allowed'],
    ['$.**{2 to 5}.id == 1', '.** is not allowed'],
    ['$.a[*] == $.b[*]', 'compares two paths'],
    ['$.a == $.b', 'compares two paths'],
    ['exists($.a[*] ? (@ == $.b[*]))', 'within ?( ), use @'],
    ['exists($.a[*] ? (exists($.b[*] ? (@ == 1))))', 'within ?( ), use @'],
    ['$.n * $.n * $.n == 1', 'calculations are not allowed'],
    ['$.a.keyvalue().key == "x"', 'allowed: type, size'],
    [Array(11).fill('$.a == 1').join(' && '), 'must have at most 10 comparisons'],
  ])('%s', (filter, message) => {
    const check = checkFilter(filter);
    expect(check.ok ? 'accepted' : check.message).toContain(message);
  });

  it('a filter of the longest length that is nested as deeply as possible is read', () => {
    expect(checkFilter(`${'('.repeat(490)}$.a == 1${')'.repeat(490)}`).ok).toBe(true);
  });
});
