// The parts of the site that need JavaScript: theme, menu, copy buttons, search. Without it, everything can still be read.
const root = document.documentElement;
const find = (selector) => document.querySelector(selector);
const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

// Theme: system, light, dark. The console uses the same name.
const STORED_AS = 'posthorn.theme';
const themeButton = find('.theme');
const shownTheme = () => root.dataset.theme ?? 'system';
const nameTheme = () => themeButton.replaceChildren(make('span', { textContent: 'Theme: ' }), shownTheme());
themeButton.addEventListener('click', () => {
  const next = { system: 'light', light: 'dark', dark: 'system' }[shownTheme()];
  if (next === 'system') delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    if (next === 'system') localStorage.removeItem(STORED_AS);
    else localStorage.setItem(STORED_AS, next);
  } catch {
    // Without storage, the choice lasts until the next page.
  }
  nameTheme();
});
nameTheme();
themeButton.hidden = false;

// Navigation: shows the place of this page.
const navigation = find('#navigation');
const current = navigation.querySelector('[aria-current]');
if (current) navigation.scrollTop = current.offsetTop - navigation.clientHeight / 2;

// Menu, on narrow screens.
const menuButton = find('.menu');
menuButton.hidden = false;
menuButton.addEventListener('click', () => {
  const isOpen = menuButton.getAttribute('aria-expanded') !== 'true';
  menuButton.setAttribute('aria-expanded', String(isOpen));
  document.body.toggleAttribute('data-menu', isOpen);
});

// Code: a button that copies it.
/** Returns false if the browser does not allow it, as on some pages without https. Then the code is selected, for the keyboard. */
const copy = async (code) => {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return document.execCommand('copy');
  }
};
for (const block of document.querySelectorAll('.code')) {
  const button = make('button', { type: 'button', textContent: 'Copy' });
  button.addEventListener('click', async () => {
    button.textContent = (await copy(block.querySelector('code'))) ? 'Copied' : 'Selected';
    setTimeout(() => (button.textContent = 'Copy'), 2_000);
  });
  block.append(button);
}

// Blocks that scroll sideways get the keyboard focus. Their width also changes when the fonts load.
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scroller = target.closest('pre, .table');
    if (scroller.scrollWidth > scroller.clientWidth) scroller.tabIndex = 0;
    else scroller.removeAttribute('tabindex');
  }
});
for (const scroller of document.querySelectorAll('.code pre, .table')) {
  widths.observe(scroller);
  widths.observe(scroller.firstElementChild);
}

// Search: the index is loaded when the dialog opens for the first time.
const MOST = 20;
const dialog = find('dialog');
const [input, status, results] = [dialog.querySelector('input'), dialog.querySelector('p'), dialog.querySelector('ol')];
const base = document.body.dataset.root;
let index = null;
const loadIndex = async () => {
  const [{ default: MiniSearch }, response] = await Promise.all([
    import('./minisearch.js'),
    fetch(`${base}search.json`),
  ]);
  if (!response.ok) throw new Error(`search.json: ${response.status}`);
  return MiniSearch.loadJSON(await response.text(), {
    fields: ['title', 'heading', 'text'],
    storeFields: ['title', 'heading', 'url'],
  });
};
const show = async () => {
  const words = input.value.trim();
  if (words === '') {
    results.replaceChildren();
    status.textContent = '';
    return;
  }
  index ??= loadIndex();
  let found;
  try {
    found = (await index).search(words, {
      prefix: true,
      fuzzy: 0.2,
      combineWith: 'AND',
      boost: { title: 4, heading: 3 },
    });
  } catch (error) {
    index = null;
    status.textContent = `The search index could not be loaded: ${error.message}`;
    return;
  }
  if (words !== input.value.trim()) return; // a later input is being searched
  status.textContent =
    found.length === 0 ? `No page has “${words}”.` : `${found.length} ${found.length === 1 ? 'result' : 'results'}`;
  results.replaceChildren(
    ...found.slice(0, MOST).map(({ title, heading, url }) => {
      const item = make('li', {});
      const link = make('a', { href: base + url, textContent: heading === '' ? title : `${title} › ${heading}` });
      link.addEventListener('click', () => dialog.close());
      item.append(link);
      return item;
    }),
  );
};
input.addEventListener('input', show);
input.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return;
  event.preventDefault(); // Enter opens the first result instead of closing the dialog
  results.querySelector('a')?.click();
});
const openSearch = () => {
  dialog.showModal();
  input.select();
};
const searchButton = find('.search');
searchButton.hidden = false;
searchButton.addEventListener('click', openSearch);
addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, textarea, [contenteditable]');
  const isAsked = event.key === '/' || (event.key === 'k' && (event.ctrlKey || event.metaKey));
  if (!isAsked || isTyping || dialog.open) return;
  event.preventDefault();
  openSearch();
});
