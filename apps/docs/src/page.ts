/** A rendered page of the site. */
export interface Page {
  /** Path below /docs, without extension; `index` is /docs/ itself. */
  path: string;
  title: string;
  /** The first paragraph as text. */
  summary: string;
  /** The page as Markdown, for llms.txt. */
  markdown: string;
  html: string;
  /** Headings of level 2, for "On this page". */
  outline: { id: string; text: string }[];
  sections: Section[];
}

/** A heading with the text below it, for the search. */
export interface Section {
  /** null: the text before the first heading of level 2 or 3. */
  id: string | null;
  heading: string;
  text: string;
}

/** The relative URL from one page to another, so that the site works under any path. */
export function linkTo(path: string, from: string): string {
  const up = '../'.repeat(from.split('/').length - 1);
  return up + (path === 'index' ? './' : path);
}

export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
