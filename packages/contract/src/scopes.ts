// No zod is needed here.

/** Everything that a key or a portal can be allowed to do. */
export const SCOPES = [
  'events:write',
  'events:read',
  'subscriptions:read',
  'subscriptions:write',
  'deliveries:read',
  'deliveries:write',
  'secrets:read',
] as const;

/** Default capabilities of a portal: everything but publishing. Its user needs the signing secret to verify requests. */
export const DEFAULT_CAPABILITIES: readonly (typeof SCOPES)[number][] = SCOPES.filter(
  (scope) => scope !== 'events:write',
);
