import { type TypeId, fromUUID, toUUIDBytes } from 'typeid-js';
import { z } from 'zod';

/** sub: subscription · evt: event · dlv: delivery · att: attempt · key: account key · ver: verification · rpl: replay ·
 *  ses: session · aud: audit log entry · eml: recipient of emails · exl: export link. */
export type IdPrefix = 'sub' | 'evt' | 'dlv' | 'att' | 'key' | 'ver' | 'rpl' | 'ses' | 'aud' | 'eml' | 'exl';

// 128 bits in Crockford's base32: 26 digits, of which the first has three bits.
const SUFFIX = '[0-7][0-9a-hjkmnp-tv-z]{25}';
const PATTERNS: Record<IdPrefix, RegExp> = {
  sub: new RegExp(`^sub_${SUFFIX}$`),
  evt: new RegExp(`^evt_${SUFFIX}$`),
  dlv: new RegExp(`^dlv_${SUFFIX}$`),
  att: new RegExp(`^att_${SUFFIX}$`),
  key: new RegExp(`^key_${SUFFIX}$`),
  ver: new RegExp(`^ver_${SUFFIX}$`),
  rpl: new RegExp(`^rpl_${SUFFIX}$`),
  ses: new RegExp(`^ses_${SUFFIX}$`),
  aud: new RegExp(`^aud_${SUFFIX}$`),
  eml: new RegExp(`^eml_${SUFFIX}$`),
  exl: new RegExp(`^exl_${SUFFIX}$`),
};

/** Returns the UUID of an id, of any version; null if the text is not an id with this prefix. */
export function toUuid(prefix: IdPrefix, id: string): string | null {
  if (!PATTERNS[prefix].test(id)) return null;
  // The library's toUUID() throws for unknown UUID versions, and callers may send any bits.
  let hex = '';
  for (const byte of toUUIDBytes(id as TypeId<IdPrefix>)) hex += HEX[byte];
  return withDashes(hex);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const withDashes = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;

/** Returns the id that callers see. Throws if `uuid` is not a UUID. */
export function toTypeId(prefix: IdPrefix, uuid: string): string {
  return fromUUID(uuid, prefix);
}

/** The ids with a prefix that begin with this text, as a range of UUIDs; null if none does. */
export function uuidRange(prefix: IdPrefix, beginning: string): { from: string; before: string } | null {
  const digits = beginning.slice(prefix.length + 1);
  const first = `${prefix}_${digits.padEnd(26, '0')}`;
  if (digits === '' || !beginning.startsWith(`${prefix}_`) || !PATTERNS[prefix].test(first)) return null;
  const count = 1n << BigInt(5 * (26 - digits.length));
  const from = toUuid(prefix, first) ?? '';
  return { from, before: uuidOfNumber(BigInt(`0x${from.replaceAll('-', '')}`) + count) };
}

const LAST_UUID = (1n << 128n) - 1n;
function uuidOfNumber(number: bigint): string {
  const hex = (number > LAST_UUID ? LAST_UUID : number).toString(16).padStart(32, '0');
  return withDashes(hex);
}

const EXAMPLE_SUFFIX = '01jd4q8y3ne9mav5w2xkq7rf0c';

const typeId = (prefix: IdPrefix, object: string) =>
  z
    .string()
    .regex(PATTERNS[prefix], `must be the id of ${object}, such as ${prefix}_${EXAMPLE_SUFFIX}`)
    .meta({ description: `Id of ${object}.`, examples: [`${prefix}_${EXAMPLE_SUFFIX}`] });

export const SubscriptionId = typeId('sub', 'a subscription');
export const EventId = typeId('evt', 'an event');
export const DeliveryId = typeId('dlv', 'a delivery');
export const AttemptId = typeId('att', 'an attempt');
export const KeyId = typeId('key', 'an account key');
export const ReplayId = typeId('rpl', 'a replay');
export const AuditId = typeId('aud', 'an audit log entry');
export const EmailRecipientId = typeId('eml', 'a recipient of emails');
export const SessionId = typeId('ses', 'a session');
export const ExportLinkId = typeId('exl', 'an export link');

export const AnyId = z
  .string()
  .regex(new RegExp(`^(${Object.keys(PATTERNS).join('|')})_${SUFFIX}$`), `must be an id, such as dlv_${EXAMPLE_SUFFIX}`)
  .meta({ description: 'An id of any kind.', examples: [`dlv_${EXAMPLE_SUFFIX}`] });

/** The actor of a change: an account key or a session. */
export const ActorId = z
  .string()
  .regex(
    new RegExp(`^(key|ses)_${SUFFIX}$`),
    `must be the id of an account key or a session, such as key_${EXAMPLE_SUFFIX}`,
  )
  .meta({ description: 'Id of an account key or a session.', examples: [`key_${EXAMPLE_SUFFIX}`] });

export const prefixOf = (id: string): IdPrefix | undefined =>
  (Object.keys(PATTERNS) as IdPrefix[]).find((prefix) => PATTERNS[prefix].test(id));

export const AccountId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
  .meta({
    description: 'Id of an account, chosen by the caller: 1 to 64 letters, digits, `_` or `-`.',
    examples: ['acme'],
  });
