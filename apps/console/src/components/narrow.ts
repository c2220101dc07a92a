const query = matchMedia('(width < 900px)');

/** A screen with no room beside a list. */
export const isNarrow = (): boolean => query.matches;
