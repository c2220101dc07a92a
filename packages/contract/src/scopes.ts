// No zod is needed here: the console shows them.

/** What a key or a portal may be allowed. */
export const SCOPES = [
  'events:write',
  'events:read',
  'subscriptions:read',
  'subscriptions:write',
  'deliveries:read',
  'deliveries:write',
  'secrets:read',
] as const;

/** What a portal may do by default: everything but publish. Its user needs the signing secret to verify requests. */
export const DEFAULT_CAPABILITIES: readonly (typeof SCOPES)[number][] = SCOPES.filter(
  (scope) => scope !== 'events:write',
);
