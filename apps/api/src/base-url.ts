import type { ApiDeps } from './deps.js';

/** Returns the URL of the API for browsers, without a trailing slash. */
export const baseUrlOf = (
  { protocol, host }: { protocol: string; host: string },
  { publicUrl }: Pick<ApiDeps, 'publicUrl'>,
): string => (publicUrl ?? `${protocol}://${host}`).replace(/\/+$/, '');
