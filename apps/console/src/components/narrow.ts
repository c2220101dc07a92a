const query = matchMedia('(width < 900px)');

/** Whether the screen is too narrow for a drawer beside a list. */
export const isNarrow = (): boolean => query.matches;
