// Texts for the audit log. No zod is needed here.

/** The words for each kind of changed object: for any such object, and before the name of one. A webhook's name is its URL, which needs no
 *  word. */
export const AUDIT_OBJECTS: Record<string, { any: string; word: string }> = {
  account: { any: 'an account', word: 'account' },
  subscription: { any: 'a webhook', word: '' },
  eventType: { any: 'an event type', word: 'event type' },
  key: { any: 'an API key', word: 'API key' },
  session: { any: 'a session', word: 'session' },
  delivery: { any: 'a delivery', word: 'delivery' },
  replay: { any: 'a replay', word: 'replay' },
  emailRecipient: { any: 'an email recipient', word: 'email recipient' },
};

interface ActionWords {
  /** A key of AUDIT_OBJECTS. */
  object: string;
  /** What was done. {object}: to which object. */
  text: string;
}

const of = (object: string, texts: Record<string, string>): [string, ActionWords][] =>
  Object.entries(texts).map(([action, text]) => [action, { object, text }]);

/** What was done, by the operation id of an audit log entry. */
export const AUDIT_WORDS: Record<string, ActionWords> = Object.fromEntries([
  ...of('subscription', {
    'subscriptions.create': 'Added {object}',
    'subscriptions.change': 'Changed {object}',
    'subscriptions.delete': 'Deleted {object}',
    'subscriptions.verify': 'Started a verification of {object}',
    'subscriptions.test': 'Sent a test event to {object}',
    'subscriptions.pause': 'Paused {object}',
    'subscriptions.resume': 'Resumed {object}',
    'subscriptions.disable': 'Disabled {object}',
    'subscriptions.getSecret': 'Read the signing secret of {object}',
    'subscriptions.rotateSecret': 'Rotated the signing secret of {object}',
    'papercups.create': 'Added {object} (Papercups API)',
    'papercups.put': 'Changed {object} (Papercups API, PUT)',
    'papercups.patch': 'Changed {object} (Papercups API, PATCH)',
    'papercups.delete': 'Deleted {object} (Papercups API)',
  }),
  ...of('delivery', { 'deliveries.retry': 'Retried {object}' }),
  ...of('replay', {
    'replays.start': 'Started {object}',
    'replays.startForAccounts': 'Started {object} for several accounts',
    'replays.cancel': 'Canceled {object}',
    'replays.cancelAny': 'Canceled {object} as an operator',
  }),
  ...of('account', {
    'accounts.put': 'Saved {object}',
    'accounts.delete': 'Deleted {object}',
    'exportLinks.create': 'Exported the deliveries of {object}',
    'exportLinks.createForEvents': 'Exported the events of {object}',
  }),
  ...of('key', { 'keys.create': 'Created {object}', 'keys.revoke': 'Revoked {object}' }),
  ...of('eventType', {
    'eventTypes.put': 'Saved {object}',
    'eventTypes.delete': 'Removed {object}',
    'eventTypes.import': 'Imported event types',
  }),
  ...of('emailRecipient', { 'emailRecipients.add': 'Added {object}', 'emailRecipients.remove': 'Removed {object}' }),
  ...of('session', {
    'session.create': 'Signed in',
    'session.refused': 'Sign-in failed: wrong key',
    'session.end': 'Signed out',
    'signInLinks.create': 'Created a sign-in link',
    'signInLinks.open': 'Signed in with a link',
    'boardLinks.create': 'Opened Bull Board',
    'portals.create': 'Created a portal link',
    'portals.open': 'Opened a portal',
    'portals.endAll': 'Ended all portals of an account',
    'sessions.end': 'Ended {object}',
    'sessions.endAll': 'Ended all sessions',
  }),
]);

/** An action without its object, such as for a filter. */
export function auditActionText(action: string): string {
  const words = AUDIT_WORDS[action];
  return words ? words.text.replace('{object}', AUDIT_OBJECTS[words.object]?.any ?? '') : action;
}

/** Fields whose name is not their name in the UI. */
const FIELD_WORDS: Record<string, string> = {
  url: 'URL',
  pendingUrl: 'New URL',
  events: 'Event types',
  headers: 'Custom headers',
  pendingHeaders: 'Custom headers of the new URL',
  pendingAuthentication: 'Authentication of the new URL',
  ordering: 'Order',
  timeoutMs: 'Timeout in milliseconds',
  schema: 'JSON Schema',
  enforcement: 'Enforcement of the schema',
};

/** The name of a changed field: `rateLimit` is "Rate limit". */
export function fieldWords(field: string): string {
  const words = FIELD_WORDS[field] ?? field.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
