import type { Page } from './page.js';

/** llms.txt: the list of pages as Markdown, by llmstxt.org. Every page is also there as Markdown, at its URL with `.md`. Throws if a page
 *  has no opening sentence. */
export function writeLlms(groups: { title: string; pages: Page[] }[]): string {
  const sections = groups.map(({ title, pages }) => {
    const items = pages.map((page) => `- [${page.title}](${page.path}.md): ${summaryOf(page)}`);
    return [`## ${title}`, '', ...items].join('\n');
  });
  const [first] = groups.flatMap(({ pages }) => pages);
  return [`# Posthorn`, `> ${first?.summary ?? ''}`, ...sections].join('\n\n') + '\n';
}

function summaryOf({ path, summary }: Page): string {
  if (summary === '') throw new Error(`${path} has no opening sentence, which is its summary in llms.txt`);
  return summary;
}
