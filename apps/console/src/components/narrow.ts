const query = matchMedia('(width < 900px)');

/** Whether the screen is too narrow for a drawer beside a list. */
export const isNarrow = (): boolean => query.matches;

/** A click that opens nothing else, such as a tab or a window of the browser. */
export const isPlainClick = ({
  ctrlKey,
  metaKey,
  shiftKey,
  altKey,
}: Pick<MouseEvent, 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>): boolean =>
  !(ctrlKey || metaKey || shiftKey || altKey);
