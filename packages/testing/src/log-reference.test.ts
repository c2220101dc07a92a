import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';

// docs/logs.md is the reference of the logs. It has exactly the events that the sources log.

const ROOT = join(import.meta.dirname, '../../..');
const FOLDERS = ['apps', 'packages'].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name, 'src')),
);
const sources = FOLDERS.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.test|\.test-support)\.tsx?$/.test(file) && !file.startsWith('generated'))
    .map((file) => ({ file: join(folder, file), text: readFileSync(join(folder, file), 'utf8') })),
);

interface Entry {
  levels: Set<string>;
  fields: Set<string>;
}
type Entries = Map<string, Entry>;

const entryOf = (entries: Entries, event: string): Entry => {
  const entry = entries.get(event) ?? { levels: new Set(), fields: new Set() };
  entries.set(event, entry);
  return entry;
};

/** Events whose name has a variable part, and its values in the sources. */
const VARIABLES: Record<string, () => string[]> = {
  name: () =>
    sources.flatMap(({ text }) => [...text.matchAll(/startLoop\(\{\s*name: '(\w+)'/g)].map(([, name = '']) => name)),
  fault: () => ['uncaughtException', 'unhandledRejection'],
};

/** Returns the arguments of the call whose bracket opens before `from`. */
function argumentsAt(text: string, from: number): string {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if ('\'"`'.includes(character)) {
      for (at += 1; text[at] !== character; at += 1) if (text[at] === '\\') at += 1;
    } else if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
    if (depth === 0) return text.slice(from, at);
  }
  throw new Error('the call has no end');
}

/** The names in an object literal, without those of spreads: `{ err: error, queue, ...more }` has `err` and `queue`. */
function fieldsOf(given: string): string[] {
  const withoutTexts = given.replaceAll(/'(?:[^'\\]|\\.)*'/g, "''");
  const [, inner = ''] = /^\s*\{([^]*)\}\s*,[^{}]*$/.exec(withoutTexts) ?? [];
  let depth = 0;
  const flat = inner.split('').filter((character) => {
    if (')]}'.includes(character)) depth -= 1;
    const isTop = depth === 0;
    if ('([{'.includes(character)) depth += 1;
    return isTop;
  });
  return flat
    .join('')
    .split(',')
    .flatMap((part) => /^\s*(\w+)\s*(?::|$)/.exec(part)?.[1] ?? []);
}

function readSources(): { entries: Entries; unnamed: string[] } {
  const entries: Entries = new Map();
  const unnamed: string[] = [];
  for (const { file, text } of sources) {
    for (const call of text.matchAll(/\blog\.(debug|info|warn|error|fatal)\(/g)) {
      const given = argumentsAt(text, call.index + call[0].length);
      const name = /,\s*['`]([\w.${}]+)['`],?\s*$/.exec(given)?.[1];
      if (name === undefined) {
        unnamed.push(`${file}: ${call[0]}${given})`);
        continue;
      }
      const [, variable] = /\$\{(\w+)\}/.exec(name) ?? [];
      const names =
        variable === undefined
          ? [name]
          : (VARIABLES[variable]?.() ?? []).map((one) => name.replace(`\${${variable}}`, one));
      for (const event of names) {
        const entry = entryOf(entries, event);
        entry.levels.add(call[1] ?? '');
        for (const field of fieldsOf(given)) entry.fields.add(field);
      }
    }
  }
  return { entries, unnamed };
}

/** Rows `| events | levels | fields | … |`. Several events have one level each, or one for all. */
function readPage(): Entries {
  const entries: Entries = new Map();
  const page = readFileSync(join(ROOT, 'docs/logs.md'), 'utf8');
  for (const [, events = '', levels = '', fields = ''] of page.matchAll(
    /^\| (`[^|]+) \| ([a-z, ]+) \|([^|]*)\| .+ \|$/gm,
  )) {
    const names = [...events.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const each = levels.split(', ');
    for (const [n, name] of names.entries()) {
      const entry = entryOf(entries, name);
      for (const level of names.length === each.length ? [each[n] ?? ''] : each) entry.levels.add(level);
      for (const [, field = ''] of fields.matchAll(/`([^`]+)`/g)) entry.fields.add(field);
    }
  }
  return entries;
}

describe('docs/logs.md', () => {
  const { entries, unnamed } = readSources();
  const page = readPage();

  it('has exactly the events of the sources', () => {
    expect(unnamed).toEqual([]);
    expect([...page.keys()].toSorted()).toEqual([...entries.keys()].toSorted());
    expect(entries.size).toBeGreaterThan(70);
  });

  it('has the levels of each event', () => {
    const levelsOf = (from: Entries) =>
      Object.fromEntries([...from].map(([event, { levels }]) => [event, [...levels].toSorted()]));
    expect(levelsOf(page)).toEqual(levelsOf(entries));
  });

  it('has every field that a line names', () => {
    const missing = [...entries].flatMap(([event, { fields }]) =>
      [...fields]
        .filter((field) => field !== 'logType' && !page.get(event)?.fields.has(field))
        .map((field) => `${event}: ${field}`),
    );
    expect(missing).toEqual([]);
  });
});

test('reads calls over several lines, with brackets and texts in them', () => {
  const text = `log.info({ a: f({ b: ')' }), c, ...d, }, 'e.f')`;
  const given = argumentsAt(text, 'log.info('.length);
  expect(given).toBe(`{ a: f({ b: ')' }), c, ...d, }, 'e.f'`);
  expect(fieldsOf(given)).toEqual(['a', 'c']);
});
