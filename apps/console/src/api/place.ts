/** The path under which the console is served, with a slash at its end. */
export const basePath: string = new URL(document.baseURI).pathname;

/** Whether this page is a portal. The server marks the pages that other sites may show in a frame. A portal uses only the token
 *  of its link, never the session of the console. */
export const isPortal: boolean = document.documentElement.dataset['portal'] !== undefined;
