import MiniSearch from 'minisearch';
import { linkTo, type Page } from './page.js';

/** What assets/site.js passes to MiniSearch.loadJSON; both must be equal. */
const OPTIONS = { fields: ['title', 'heading', 'text'], storeFields: ['title', 'heading', 'url'] };

/** The search index as JSON: an entry per section, without the texts. */
export function writeSearchIndex(pages: Page[]): string {
  const index = new MiniSearch(OPTIONS);
  const entries = pages.flatMap(({ path, title, sections }) =>
    sections.map(({ id, heading, text }) => ({
      title,
      heading: id === null ? '' : heading,
      text,
      url: linkTo(path, 'index') + (id === null ? '' : `#${id}`),
    })),
  );
  index.addAll(entries.map((entry, id) => ({ id, ...entry })));
  return JSON.stringify(index);
}
