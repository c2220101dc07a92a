import { escapeHtml, linkTo, type Page } from './page.js';

export interface Frame {
  navigation: { title: string; pages: { path: string; title: string }[] }[];
  /** Names of files in assets/, which contain a hash of their content. */
  assets: { style: string; script: string; theme: string };
}

/** The complete HTML of a page. It contains no inline style and no inline script, so the strictest content security policy suffices. */
export function layOut(page: Page, { navigation, assets }: Frame): string {
  const link = (path: string) => linkTo(path, page.path);
  const all = navigation.flatMap(({ pages }) => pages);
  const place = all.findIndex(({ path }) => path === page.path);
  const title = page.path === 'index' ? page.title : `${page.title} · Posthorn`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${escapeHtml(page.summary)}">
<title>${escapeHtml(title)}</title>
<link rel="icon" type="image/svg+xml" href="${link('posthorn.svg')}">
<link rel="stylesheet" href="${link(`assets/${assets.style}`)}">
<script src="${link(`assets/${assets.theme}`)}"></script>
<script type="module" src="${link(`assets/${assets.script}`)}"></script>
</head>
<body data-root="${link('index')}">
<a class="skip" href="#content">Skip to the content</a>
<header>
<button type="button" class="menu" aria-expanded="false" aria-controls="navigation" hidden>Menu</button>
<a class="brand" href="${link('index')}"><img src="${link('posthorn.svg')}" alt="" width="24" height="24"><span>Posthorn</span></a>
<button type="button" class="search" aria-haspopup="dialog" hidden>Search <kbd>/</kbd></button>
<a class="reference" href="${link('api')}">API</a>
<a href="${link('index')}../">Console</a>
<button type="button" class="theme" hidden>Theme</button>
</header>
<div class="frame">
<main id="content" tabindex="-1">
${page.html}${neighbours(all[place - 1], all[place + 1], link)}</main>
${outline(page)}<nav id="navigation" aria-label="Documentation">
${navigation.map((group) => navigationGroup(group, page, link)).join('\n')}
</nav>
</div>
<dialog aria-label="Search the documentation">
<form method="dialog"><input type="search" aria-label="Search the documentation" placeholder="Search" autocomplete="off" spellcheck="false"><button>Close</button></form>
<p role="status"></p>
<ol></ol>
</dialog>
</body>
</html>
`;
}

type Link = (path: string) => string;

function navigationGroup({ title, pages }: Frame['navigation'][number], page: Page, link: Link): string {
  const items = pages.map(({ path, title: text }) => {
    const current = path === page.path ? ' aria-current="page"' : '';
    return `<li><a href="${link(path)}"${current}>${escapeHtml(text)}</a></li>`;
  });
  return `<h2>${title}</h2>\n<ul>${items.join('')}</ul>`;
}

function outline({ outline: headings }: Page): string {
  if (headings.length < 2) return '';
  const items = headings.map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`);
  return `<nav class="outline" aria-label="On this page">\n<h2>On this page</h2>\n<ul>${items.join('')}</ul>\n</nav>\n`;
}

type Neighbour = { path: string; title: string } | undefined;

function neighbours(before: Neighbour, after: Neighbour, link: Link): string {
  const toBefore = before ? `<a href="${link(before.path)}" rel="prev">← ${escapeHtml(before.title)}</a>` : '';
  const toAfter = after ? `<a href="${link(after.path)}" rel="next">${escapeHtml(after.title)} →</a>` : '';
  return toBefore || toAfter ? `<p class="neighbours">${toBefore}${toAfter}</p>\n` : '';
}
