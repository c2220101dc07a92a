/** The path that everything of ours is below, with a slash at its end. */
export const basePath: string = new URL(document.baseURI).pathname;

/** Whether this page is a portal: the server marks each page that other sites may show in a frame. It acts by the token of
 *  its link alone, and never for somebody who is signed in to the console. */
export const isPortal: boolean = document.documentElement.dataset['portal'] !== undefined;
