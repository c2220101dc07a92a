import { posix } from 'node:path';
import hljs from 'highlight.js/lib/common';
import MarkdownIt, { type Token } from 'markdown-it';
import { escapeHtml, linkTo, type Page, type Section } from './page.js';

const LANGUAGES: Record<string, string> = {
  js: 'javascript',
  mjs: 'javascript',
  sh: 'bash',
  html: 'xml',
  py: 'python',
  rb: 'ruby',
};

export interface Source {
  path: string;
  /** The folder of the file in the repository, against which its links are relative. */
  folder: string;
  markdown: string;
}

export interface Files {
  /** The path of the page made of a file of the repository. */
  pathOf(file: string): string | undefined;
  /** The text of a file of the repository. */
  read(file: string): string;
}

/** Renders a page. Links to other Markdown files become links between pages; other files of the repository have no page, so links to
 *  them become text. A paragraph with only a link titled "include" is replaced by the file. */
export function renderPage({ path, folder, markdown: written }: Source, files: Files): Page {
  const markdown = withIncludes(written, folder, files).replace(COMMENT, '');
  const tokens = renderer.parse(markdown, {});
  rewriteLinks(tokens, { path, folder, files });
  addIds(tokens);
  const sections = sectionsOf(tokens);
  const title = sections[0]?.heading ?? path;
  return {
    path,
    title,
    summary: sections[0]?.text.split('\n')[0] ?? '',
    markdown: withServedLinks(markdown, { path, folder, files }),
    html: renderer.renderer.render(tokens, renderer.options, {}),
    outline: tokens.flatMap((token, index) =>
      token.tag === 'h2' && token.nesting === 1 ? [{ id: idOf(token), text: textOf(tokens, index + 1) }] : [],
    ),
    sections,
  };
}

/** Markers of generated blocks, and notes about tests. */
const COMMENT = /^ *<!-- .* -->\n/gm;
const INCLUDE = /^\[[^\]]*\]\(([^ )]+) "include"\)$/gm;

function withIncludes(markdown: string, folder: string, { read }: Files): string {
  return markdown.replace(INCLUDE, (_, link: string) => {
    const file = posix.join(folder, link);
    return `\`\`\`${posix.extname(file).slice(1).toLowerCase()}\n${read(file).trimEnd()}\n\`\`\``;
  });
}

const CODE_OR_LINK = /```[^]*?```|(!?)\[([^\]]*)\]\(([^)\s]+)\)|`[^`\n]*`/g;

/** As rewriteLinks, in the text of the page, which the site serves as `<path>.md`. */
function withServedLinks(markdown: string, { path, folder, files }: Place): string {
  return markdown.replace(CODE_OR_LINK, (all, image: string | undefined, text: string, href: string) => {
    if (image === undefined || /^(https?:|#)/.test(href)) return all;
    if (image === '!') return `![${text}](${linkTo(posix.basename(href), path)})`;
    const [link = '', hash] = href.split('#');
    const target = files.pathOf(posix.join(folder, link));
    if (target === undefined) return text;
    const up = '../'.repeat(path.split('/').length - 1);
    return `[${text}](${up}${target}.md${hash === undefined ? '' : `#${hash}`})`;
  });
}

const renderer = new MarkdownIt();

/** As GitHub makes them, so that links work there, too. */
export function slugify(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');
}

/** Gives each heading of level 2 and 3 an id. */
function addIds(tokens: Token[]): void {
  const used = new Map<string, number>();
  for (const [index, token] of tokens.entries()) {
    if (!isLinkedHeading(token)) continue;
    const slug = slugify(textOf(tokens, index + 1));
    const count = used.get(slug) ?? 0;
    used.set(slug, count + 1);
    token.attrSet('id', count === 0 ? slug : `${slug}-${count}`);
  }
}

const isLinkedHeading = ({ type, tag }: Token): boolean => type.startsWith('heading_') && /^h[23]$/.test(tag);
const idOf = (token: Token): string => String(token.attrGet('id') ?? '');

// The text of a heading is a link to it.
renderer.renderer.rules.heading_open = (tokens, index) => {
  const token = tokens[index];
  return token && isLinkedHeading(token)
    ? `<${token.tag} id="${idOf(token)}"><a href="#${idOf(token)}">`
    : `<${token?.tag}>`;
};
renderer.renderer.rules.heading_close = (tokens, index) => {
  const token = tokens[index];
  return token && isLinkedHeading(token) ? `</a></${token.tag}>\n` : `</${token?.tag}>\n`;
};
// ```js details A label  is a closed <details>, and `open` instead of `details` an open one.
renderer.renderer.rules.fence = (tokens, index) => {
  const { content = '', info = '' } = tokens[index] ?? {};
  const [name = '', fold, ...label] = info.split(' ');
  const language = LANGUAGES[name] ?? name;
  const code = hljs.getLanguage(language) ? hljs.highlight(content, { language }).value : escapeHtml(content);
  const block = `<div class="code"><pre><code>${code}</code></pre></div>\n`;
  if (fold === undefined) return block;
  return `<details${fold === 'open' ? ' open' : ''}><summary>${escapeHtml(label.join(' '))}</summary>${block}</details>\n`;
};
renderer.renderer.rules.table_open = () => '<div class="table"><table>\n';
renderer.renderer.rules.table_close = () => '</table></div>\n';

interface Place {
  path: string;
  folder: string;
  files: Files;
}

function rewriteLinks(tokens: Token[], where: Place): void {
  for (const token of tokens) {
    if (token.children) rewriteLinks(token.children, where);
    if (token.type === 'image') token.attrSet('src', linkTo(posix.basename(String(token.attrGet('src'))), where.path));
    if (token.type !== 'link_open') continue;
    const href = String(token.attrGet('href'));
    if (/^(https?:|#)/.test(href)) continue;
    const [link = '', hash] = href.split('#');
    const target = where.files.pathOf(posix.join(where.folder, link));
    if (target !== undefined)
      token.attrSet('href', linkTo(target, where.path) + (hash === undefined ? '' : `#${hash}`));
    else token.attrs = null; // an <a> without href is text
  }
}

function sectionsOf(tokens: Token[]): Section[] {
  const sections: Section[] = [];
  const lines: string[][] = [];
  for (const [index, token] of tokens.entries()) {
    const { type, tag, content } = token;
    if (type === 'heading_open' && /^h[123]$/.test(tag)) {
      sections.push({ id: tag === 'h1' ? null : idOf(token), heading: textOf(tokens, index + 1), text: '' });
      lines.push([]);
    } else if (type === 'inline' && tokens[index - 1]?.type !== 'heading_open')
      lines.at(-1)?.push(textOf(tokens, index));
    else if (type === 'fence') lines.at(-1)?.push(content);
  }
  return sections.map((section, index) => ({ ...section, text: lines[index]?.join('\n') ?? '' }));
}

function textOf(tokens: Token[], index: number): string {
  const children = tokens[index]?.children ?? [];
  return children.map(({ type, content }) => (type === 'softbreak' || type === 'hardbreak' ? ' ' : content)).join('');
}
