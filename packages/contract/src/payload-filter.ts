/** A filter is a condition in SQL/JSON path on the payload of an event: `$.conversation.status == "closed"`. Postgres evaluates
 *  it (core/publish/passes-filter.ts), in the statement that other accounts share. So only conditions are allowed whose
 *  cost grows with the size of the payload, and not with its square:
 *
 *  condition   condition && condition · condition || condition · !(condition) · (condition) · (condition) is unknown
 *              exists(path) · path == literal, and != <> < <= > >= · path starts with "text"
 *  path        $ or, within ?( ), @, followed by: .key · ."any key" · .* · [*] · [0] · [last] · [0 to 9] · ?(condition)
 *              .type() · .size() · .double() · .ceiling() · .floor() · .abs()
 *  literal     "text" · 12.5 · -3 · true · false · null */
export type FilterCheck =
  /** `paths`: what it refers to, without conditions, as SQL/JSON paths. */
  { ok: true; paths: string[] } | { ok: false; message: string };

export const MAX_FILTER_LENGTH = 1_000;
/** Comparisons, `starts with` and `exists`. */
const MAX_FILTER_CONDITIONS = 10;

const COMPARISONS = ['==', '!=', '<>', '<=', '>=', '<', '>'];
const METHODS = ['type', 'size', 'double', 'ceiling', 'floor', 'abs'];
const EXAMPLE = '$.conversation.status == "closed"';

const TOKEN =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<sign>\*\*|==|!=|<>|<=|>=|&&|\|\||[-+*/%=<>!&|()[\].,?$@'{}:])|(?<other>\S))/uy;

interface Token {
  kind: 'text' | 'number' | 'word' | 'sign' | 'other' | 'end';
  text: string;
  /** Counts characters from 1. */
  at: number;
}

/** Pure. Returns whether a text of at most MAX_FILTER_LENGTH is a filter; if not, what is wrong and what to write instead. */
export function checkFilter(text: string): FilterCheck {
  try {
    return { ok: true, paths: [...new Set(readFilter(tokensOf(text)))] };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, message: error.message };
    throw error;
  }
}

class Fault extends Error {}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) return [...tokens, { kind: 'end', text: '', at: Math.max(from, text.length) + 1 }];
    const [kind, value] = Object.entries(match.groups ?? {}).find(([, one]) => one !== undefined) ?? [];
    if (kind === undefined || value === undefined) throw new Error('a token has no kind');
    tokens.push({ kind: kind as Token['kind'], text: value, at: TOKEN.lastIndex - value.length + 1 });
  }
}

/** Returns the paths that the filter refers to. Throws a Fault. */
function readFilter(tokens: Token[]): string[] {
  const paths: string[] = [];
  let next = 0;
  let conditions = 0;

  const peek = (): Token => tokens[next] as Token;
  const take = (): Token => tokens[Math.min(next++, tokens.length - 1)] as Token;
  const is = (...texts: string[]): boolean => peek().kind !== 'text' && texts.includes(peek().text);
  const takeIf = (text: string): boolean => is(text) && take() !== undefined;
  function expect(text: string, why: string): void {
    if (!takeIf(text)) fail(`expected ${text} ${why}`);
  }
  function fail(message: string, token = peek()): never {
    const found = token.kind === 'end' ? 'at its end' : `at character ${token.at} (${shorten(token.text)})`;
    throw new Fault(`is not a condition ${found}: ${message}. Example: ${EXAMPLE}`);
  }

  if (!takeIf('lax')) takeIf('strict');
  readEither(null);
  if (peek().kind !== 'end') fail(adviceFor(peek()) ?? 'join conditions with && or ||');
  return paths;

  /** `context`: the path of `@`; null outside of ?( ). */
  function readEither(context: string | null): void {
    do readBoth(context);
    while (takeIf('||'));
  }

  function readBoth(context: string | null): void {
    do readOne(context);
    while (takeIf('&&'));
  }

  function readOne(context: string | null): void {
    if (takeIf('!')) {
      if (!is('(', 'exists')) fail('put the condition after ! into parentheses, !( )');
      readOne(context);
      return;
    }
    if (takeIf('(')) {
      readEither(context);
      expect(')', 'after the condition');
      if (takeIf('is')) expect('unknown', 'after is');
      return;
    }
    count();
    if (takeIf('exists')) {
      expect('(', 'after exists');
      readPath(context);
      expect(')', 'after the path');
      return;
    }
    readComparison(context);
  }

  function count(): void {
    conditions += 1;
    if (conditions > MAX_FILTER_CONDITIONS)
      throw new Fault(
        `must have at most ${MAX_FILTER_CONDITIONS} comparisons: use several webhooks, or a shorter filter`,
      );
  }

  function readComparison(context: string | null): void {
    const first = peek();
    const left = readOperand(context);
    if (is('starts')) {
      take();
      expect('with', 'after starts');
      if (left !== 'path') fail('write the path before starts with', first);
      if (take().kind !== 'text') fail('write a text in double quotes after starts with', tokens[next - 1]);
      return;
    }
    if (!is(...COMPARISONS)) {
      fail(adviceFor(peek()) ?? 'compare the path with a value, or write exists( ) around it');
    }
    take();
    const second = peek();
    const right = readOperand(context);
    if (left === 'literal' && right === 'literal') fail('compare a path of the payload, such as $.status', first);
    if (left === 'path' && right === 'path')
      fail('it compares two paths, which is slow for long lists; compare each with a literal', second);
  }

  function readOperand(context: string | null): 'path' | 'literal' {
    if (is('$', '@')) {
      const start = peek();
      if (readPath(context) === 0 && start.text === '$') fail('name a field of the payload, such as $.status', start);
      return 'path';
    }
    const isNegative = takeIf('-');
    const token = take();
    if (token.kind === 'number') return 'literal';
    if (isNegative) fail('write a number after the minus sign', token);
    if (token.kind === 'text') {
      if (/\\(u0000|x00|u\{0+\})/i.test(token.text)) fail('compare with \\ufffd instead of NUL', token);
      return 'literal';
    }
    if (token.kind === 'word' && ['true', 'false', 'null'].includes(token.text)) return 'literal';
    const value = token.kind === 'word' ? `text in double quotes: "${token.text}"` : 'value';
    return fail(adviceFor(token) ?? `write a path, such as $.status, or a ${value}`, token);
  }

  /** Returns the number of its steps. */
  function readPath(context: string | null): number {
    const start = take();
    if (start.kind !== 'sign' || !['$', '@'].includes(start.text)) fail('write a path, such as $.status', start);
    if (start.text === '@' && context === null) fail('use @ only within ?( ), and $ for the payload', start);
    if (start.text === '$' && context !== null) fail('within ?( ), use @ for the value and no $', start);
    if (start.text === '$' && peek().kind === 'word') fail('there are no variables; write $.key for a key');
    let path = start.text === '@' ? (context ?? '') : '$';
    let steps = 0;
    for (; ; steps += 1) {
      if (takeIf('.')) path += readMember();
      else if (takeIf('[')) path += readSubscript();
      else if (takeIf('?')) {
        expect('(', 'after ?');
        readEither(path);
        expect(')', 'after the condition');
      } else break;
    }
    paths.push(path);
    return steps;
  }

  /** Returns the step as part of a path; empty for a method. */
  function readMember(): string {
    const token = take();
    if (token.kind === 'text') return `.${token.text}`;
    if (token.text === '*' && token.kind === 'sign') return '.*';
    if (token.text === '**') fail('.** is not allowed, because it is slow for deep payloads; write the path', token);
    if (token.kind !== 'word')
      fail('write a key after the dot; a key with other characters in quotes, ."my-key"', token);
    if (!takeIf('(')) return `.${token.text}`;
    expect(')', 'after the name of the method: its arguments are not allowed');
    if (!METHODS.includes(token.text)) fail(`there is no such method; allowed: ${METHODS.join(', ')}`, token);
    return '';
  }

  function readSubscript(): string {
    if (takeIf('*')) {
      expect(']', 'after [*');
      return '[*]';
    }
    const range = [readIndex()];
    if (takeIf('to')) range.push(readIndex());
    expect(']', 'after the index');
    return `[${range.join(' to ')}]`;
  }

  function readIndex(): string {
    const token = take();
    if (token.kind === 'number' && /^\d{1,9}$/.test(token.text)) return token.text;
    if (token.text !== 'last' || token.kind !== 'word') fail('write an index, such as 0, last or last - 1', token);
    if (!takeIf('-')) return 'last';
    const back = take();
    if (back.kind !== 'number' || !/^\d{1,9}$/.test(back.text)) fail('write a number after last -', back);
    return `last - ${back.text}`;
  }
}

/** What to write instead, for what people often write. */
function adviceFor({ kind, text }: Token): string | null {
  if (kind === 'end') return null;
  if (kind === 'other' && text === '"') return 'the text has no closing quote';
  if (kind === 'text') return null;
  switch (text.toLowerCase()) {
    case '=':
      return 'write == to compare';
    case 'and':
    case '&':
      return 'write && for and';
    case 'or':
    case '|':
      return 'write || for or';
    case 'not':
      return 'write !( ) for not';
    case "'":
      return 'write texts in double quotes';
    case 'like_regex':
    case 'like':
      return 'patterns are not allowed, because they can be slow; use == or starts with';
    case '-':
      return 'calculations are not allowed; write a key with a hyphen as ."my-key"';
    case '+':
    case '*':
    case '/':
    case '%':
      return 'calculations are not allowed; compare with a literal';
    default:
      return null;
  }
}

const shorten = (text: string): string => (text.length > 30 ? `${text.slice(0, 30)}…` : text);
