/** A page of the site: a Markdown file of the repository. */
export interface SourcePage {
  /** Path below /docs, without extension; `index` is /docs/ itself. */
  path: string;
  /** Path of the file in the repository. */
  file: string;
}

const inDocs = (...names: string[]): SourcePage[] => names.map((path) => ({ path, file: `docs/${path}.md` }));

/** The navigation: groups of pages, in the order of reading. Every file in docs/ is in one of them, once. */
export const SITE_MAP: { title: string; pages: SourcePage[] }[] = [
  { title: 'Start', pages: inDocs('index', 'quickstart', 'receive', 'publish', 'portal') },
  { title: 'How it works', pages: inDocs('events', 'filters', 'delivery', 'endpoint-authentication', 'security') },
  { title: 'Tools', pages: inDocs('api', 'sdk', 'cli') },
  {
    title: 'Operate',
    pages: inDocs(
      'deploy',
      'kubernetes',
      'systemd',
      'managed',
      'operate',
      'alerts',
      'logs',
      'settings',
      'scaling',
      'sizing',
      'upgrade',
      'backup',
      'release',
    ),
  },
  { title: 'Move and compare', pages: inDocs('from-papercups', 'from-svix', 'compare') },
  { title: 'Evidence', pages: inDocs('benchmarks', 'faults', 'performance') },
  {
    title: 'Inside',
    pages: [
      { path: 'architecture', file: 'ARCHITECTURE.md' },
      { path: 'contributing', file: 'CONTRIBUTING.md' },
    ],
  },
];

export const sourcePages: SourcePage[] = SITE_MAP.flatMap(({ pages }) => pages);
