import { isEmbedded } from './embedded.js';

/** Lets the browser save what is at a URL. */
export function saveUrl(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  saveUrl(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Why a frame may have saved nothing: the browser blocks the download without an error. null outside a frame. */
export const frameHint = (): string | null =>
  isEmbedded()
    ? 'The page around this one must allow downloads in its frame: add allow-downloads to its sandbox attribute.'
    : null;
