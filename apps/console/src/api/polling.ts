/** Between two reads of a list, while the tab is visible. */
export const POLL_MS = 5_000;
/** Between two reads while an action of this page is in progress. */
export const SOON_MS = 1_000;
