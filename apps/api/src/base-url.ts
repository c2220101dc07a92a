import type { ApiDeps } from './deps.js';

/** Where browsers reach us, without a slash at the end. */
export const baseUrlOf = (
  { protocol, host }: { protocol: string; host: string },
  { publicUrl }: Pick<ApiDeps, 'publicUrl'>,
): string => (publicUrl ?? `${protocol}://${host}`).replace(/\/+$/, '');
