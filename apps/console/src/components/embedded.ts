/** Whether another page shows this one in a frame. */
export const isEmbedded = (): boolean => window.parent !== window;
