import { z } from 'zod';
import { AccountId, KeyId, SessionId } from './id.js';
import { Scope } from './key.js';
import { listOf } from './list.js';
import { text, time, timeOrNull } from './text.js';

export const SESSION_KINDS = ['operator', 'account', 'portal'] as const;
export const SessionKind = z.enum(SESSION_KINDS).meta({
  description:
    '`operator`: may do everything · `account`: has the scopes of an account key · `portal`: has the capabilities that the operator chose, within one account.',
});
export type SessionKind = z.infer<typeof SessionKind>;

export const CreateSession = z
  .strictObject({ key: text(1, 500).describe('The operator key, or an account key.') })
  .meta({ id: 'CreateSession', examples: [{ key: 'phk_replace-this-with-your-key' }] });

export const OpenSignInLink = z
  .strictObject({ token: text(1, 200).describe('The token of a sign-in link.') })
  .meta({ id: 'OpenSignInLink', examples: [{ token: 'replace-this-with-the-token-of-the-link' }] });

export const SignInLink = z
  .object({
    id: SessionId,
    url: z
      .string()
      .describe(
        'Open it in a browser. The token is in the fragment of the URL, which browsers do not send to servers.',
      ),
    token: z.string().describe('The same token on its own. It can be used once.'),
    expiresAt: time('The link expires at this time, 5 minutes after it was created.'),
  })
  .meta({ id: 'SignInLink' });
export type SignInLink = z.infer<typeof SignInLink>;

export const BoardLink = z
  .object({
    url: z.string().describe('Open it in a browser to sign in to Bull Board. It can be used once.'),
    expiresAt: time('The link expires at this time, 1 minute after it was created.'),
  })
  .meta({ id: 'BoardLink' });
export type BoardLink = z.infer<typeof BoardLink>;

export const Session = z
  .object({
    id: SessionId.nullable().describe('null: the request used a key, not a session.'),
    kind: SessionKind,
    accountId: AccountId.nullable().describe('The account that the session can access. null: every account.'),
    keyId: KeyId.nullable().describe('The account key that opened the session. null: none.'),
    scopes: z.array(z.string()).describe('What the caller may do.'),
    expiresAt: timeOrNull('When the session ends at the latest. null: a key is valid until it is revoked.'),
  })
  .meta({ id: 'Session', description: 'The caller of this request.' });
export type Session = z.infer<typeof Session>;

export const SessionItem = z
  .object({
    id: SessionId,
    kind: SessionKind,
    accountId: AccountId.nullable().describe('null: a session of the operator.'),
    keyId: KeyId.nullable().describe('The account key that opened the session. null: none.'),
    address: z.string().nullable().describe('The client address that opened the session.'),
    createdAt: time('When it was created.'),
    lastUsedAt: time('When it was last used, rounded to the minute.'),
    expiresAt: time('When the session ends at the latest.'),
  })
  .meta({ id: 'SessionItem' });
export type SessionItem = z.infer<typeof SessionItem>;

export const SessionList = listOf(SessionItem, 'SessionList');

const colour = (description: string) =>
  z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as #1a7f5a')
    .describe(description);

const MAX_LOGO_CHARACTERS = 64 * 1024;
const LOGO_DATA = /^data:image\/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$/;
const isLogo = (value: string): boolean =>
  value.startsWith('data:')
    ? LOGO_DATA.test(value)
    : value.length <= 2_000 && /^https:\/\/[\x21-\x7e]+$/.test(value) && URL.canParse(value);

export const Theme = z
  .strictObject({
    accent: colour('Accent colour on a light background.').optional(),
    accentDark: colour('Accent colour on a dark background.').optional(),
    radius: z.int().min(0).max(24).optional().describe('Corner radius in pixels, 0 to 24.'),
    fontFamily: z
      .enum(['inter', 'system', 'serif', 'mono'])
      .optional()
      .describe('The font. Default: that of the console.'),
    logoUrl: z
      .string()
      .max(MAX_LOGO_CHARACTERS, `must be at most ${MAX_LOGO_CHARACTERS} characters`)
      .refine(isLogo, 'must be an https URL, or a base64 data: URL of a PNG, JPEG, GIF, WebP or SVG image')
      .optional()
      .describe('An https URL, or an image as a base64 `data:` URL of at most 64 KiB.'),
    mode: z.enum(['light', 'dark', 'system']).optional().describe('Default: `system`.'),
    navigation: z
      .enum(['shown', 'tabs', 'hidden'])
      .optional()
      .describe(
        '`shown`: a menu at the side · `tabs`: tabs above the page · `hidden`: one page, without links to the others. ' +
          'Default: `tabs` in a frame, otherwise `shown`.',
      ),
  })
  .meta({ id: 'Theme', description: 'How a portal looks. Default for each field: as in the console.' });
export type Theme = z.infer<typeof Theme>;

/** Segments of unreserved characters, and a query: nothing that leads out of the account, and no fragment. */
const PORTAL_PATH = /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+(\?[A-Za-z0-9._~:%&=,+-]*)?$/;

export const CreatePortalSession = z
  .strictObject({
    capabilities: z
      .array(Scope)
      .min(1, 'must name at least one capability; omit the field for the default ones')
      .overwrite((scopes) => [...new Set(scopes)])
      .optional()
      .describe('What the portal may do: scopes of account keys. Default: all but `events:write`.'),
    ttlSeconds: z
      .int('must be a whole number')
      .min(60, 'must be at least 60')
      .max(86_400, 'must be at most 86400')
      .optional()
      .describe('How long the portal stays open after its link is opened, in seconds: 60 to 86400. Default: 3600.'),
    theme: Theme.optional(),
    path: z
      .string()
      .max(500, 'must have at most 500 characters')
      .regex(PORTAL_PATH, 'must be a path such as /deliveries?status=failed')
      .optional()
      .describe(
        'Which page the link opens: `/integrations`, `/deliveries?status=failed`, `/deliveries/dlv_…`, `/events`, `/events/evt_…`, ' +
          '`/subscriptions/sub_…` (also with `/deliveries`, `/test`, `/replay`, `/settings`), `/replays`. Default: `/integrations`.',
      ),
  })
  .meta({
    id: 'CreatePortalSession',
    examples: [{ capabilities: ['subscriptions:read', 'deliveries:read'], ttlSeconds: 1800, theme: { mode: 'dark' } }],
  });

export const PortalLink = z
  .object({
    id: SessionId,
    url: z
      .string()
      .describe(
        'Open it, or use it as the source of a frame. The token is in the fragment, which browsers send to no server.',
      ),
    token: z.string().describe('The same token on its own. It can be used once.'),
    expiresAt: time('The link expires at this time, 5 minutes after it was created.'),
  })
  .meta({ id: 'PortalLink' });
export type PortalLink = z.infer<typeof PortalLink>;

export const OpenPortalSession = z
  .strictObject({ token: text(1, 200).describe('The token of a portal link.') })
  .meta({ id: 'OpenPortalSession', examples: [{ token: 'replace-this-with-the-token-of-the-link' }] });

export const PortalSession = z
  .object({
    token: z.string().describe('Send it as `Authorization: Bearer <token>`. Keep it in memory only.'),
    expiresAt: time('When the portal closes.'),
    accountId: AccountId,
    capabilities: z.array(z.string()).describe('What the portal may do.'),
    theme: Theme.nullable().describe('How the portal looks. null: as the console.'),
    hostOrigins: z
      .array(z.string())
      .describe(
        'Origins whose pages may show the portal in a frame (`PORTAL_FRAME_ANCESTORS`). It sends messages to these only.',
      ),
  })
  .meta({ id: 'PortalSession' });
export type PortalSession = z.infer<typeof PortalSession>;
