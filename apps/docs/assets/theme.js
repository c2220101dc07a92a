// Applies the theme that the console or the documentation stored, before the first paint.
(() => {
  try {
    const theme = localStorage.getItem('posthorn.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Without storage, the theme is the system's.
  }
})();
