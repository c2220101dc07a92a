/** A URL without its query and fragment, which may contain secrets. Empty if it is not a URL. */
export function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return '';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
