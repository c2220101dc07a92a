import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../', import.meta.url));
export const readPage = (name: string): string => readFileSync(root + name, 'utf8');

/** The Markdown files whose code blocks are tested. */
export const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(`${root}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export interface Block {
  page: string;
  line: number;
  language: string;
  code: string;
  /** The comment on the line above: `test: …` or `no test: …`. null: none. */
  mark: { isTested: boolean; text: string } | null;
}

/** The fenced code blocks of a page. A block in a list is indented, and so is its mark. */
export function blocksOf(page: string): Block[] {
  const lines = readPage(page).split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent = '', language = ''] = /^( *)```(\w*)$/.exec(lines[at] ?? '') ?? [];
    if (!lines[at]?.trimStart().startsWith('```')) continue;
    const mark = /^ *<!-- (no )?test: (.+) -->$/.exec(lines[at - 1] ?? '');
    const end = lines.indexOf(`${indent}\`\`\``, at + 1);
    if (end === -1) throw new Error(`${page}:${at + 1}: the code block has no end`);
    blocks.push({
      page,
      line: at + 1,
      language,
      code: lines
        .slice(at + 1, end)
        .map((line) => line.slice(indent.length))
        .join('\n'),
      mark: mark ? { isTested: mark[1] === undefined, text: mark[2] ?? '' } : null,
    });
    at = end;
  }
  return blocks;
}

/** The blocks of all pages with the mark `test: <name>`. */
export const blocksFor = (name: string): Block[] =>
  PAGES.flatMap(blocksOf).filter(({ mark }) => mark?.isTested && mark.text === name);
