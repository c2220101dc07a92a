import type { ApiDeps } from './deps.js';

/** Returns the path of PUBLIC_URL, such as `/posthorn`; '' at the root of a host. */
export const basePathOf = ({ publicUrl }: Pick<ApiDeps, 'publicUrl'>): string =>
  publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '');

/** Removes the base path from a request's path. Works with proxies that remove it themselves and with those that do not. */
export function withoutBasePath(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest.startsWith('/')) return rest;
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url;
}
