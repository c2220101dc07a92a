// Applies the chosen theme before the first paint. A file of its own that blocks rendering, because the content security policy allows no
// inline script, and a module would run after the first paint. A portal has the theme of its host page.
(() => {
  const root = document.documentElement;
  if (root.dataset.portal !== undefined) return;
  try {
    const theme = localStorage.getItem('posthorn.theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  } catch {
    // Without storage, the theme is the system's.
  }
})();
