import type { ApiDeps } from './deps.js';

/** The path below which browsers find us, as PUBLIC_URL says: `/posthorn`, or '' at the root of a host. */
export const basePathOf = ({ publicUrl }: Pick<ApiDeps, 'publicUrl'>): string =>
  publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '');

/** A request's path without the base path, if its proxy has left it there: proxies that take it away and those that do not are
 *  served alike. */
export function withoutBasePath(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest.startsWith('/')) return rest;
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url;
}
