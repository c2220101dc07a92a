import { isIP } from 'node:net';
import { z } from 'zod';

// The types of values that settings have. Error texts say what is expected and never repeat the value, which may be a secret.

export const text = () => z.string();

export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

/** `Name <user@host>`, or the address alone. */
export const mailAddress = () =>
  z
    .string()
    .regex(
      /^([^<>"\r\n]+ )?<[^\s<>@,]+@[^\s<>@,]+>$|^[^\s<>@,]+@[^\s<>@,]+$/,
      'must be an address such as Acme <webhooks@example.com>',
    );

/** The same format as in the API. */
export const accountId = () => z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -');

export const flag = () => oneOf('true', 'false').transform((value) => value === 'true');

export function number(min: number, max: number) {
  const expected = `must be a number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+(\.\d+)?$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
    .meta({ minimum: min, maximum: max });
}

export function wholeNumber(min: number, max: number) {
  const expected = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
    .meta({ minimum: min, maximum: max });
}

export const port = () => wholeNumber(0, 65_535);

export function url(...schemes: string[]) {
  const expected = `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return z.string().refine((value) => {
    if (!URL.canParse(value)) return false;
    const { protocol, host } = new URL(value);
    return schemes.includes(protocol.slice(0, -1)) && host !== '';
  }, expected);
}

/** A password: long enough, printable in a header, and not copied from an example. */
export function secretKey(minLength: number) {
  return z
    .string()
    .min(minLength, `must have at least ${minLength} characters: make one with openssl rand -base64 32`)
    .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces')
    .refine((value) => new Set(value).size >= 8, 'is too regular: make one with openssl rand -base64 32')
    .refine((value) => !EXAMPLES.test(value), 'looks like an example: make one with openssl rand -base64 32');
}

const EXAMPLES = /change.?me|replace.?me|your.?(operator|secret|key)|example|password|secret.?key|insecure/i;

export function encryptionKey() {
  return z
    .string()
    .refine(
      (value) => keyBytes(value)?.length === 32,
      'must be 32 bytes as base64 or hex: make one with openssl rand -base64 32',
    )
    .refine(
      (value) => new Set(keyBytes(value)).size >= 12,
      'is too regular for a random key: make one with openssl rand -base64 32',
    );
}

function keyBytes(value: string): Buffer | null {
  if (/^[0-9a-fA-F]{64}$/.test(value)) return Buffer.from(value, 'hex');
  if (/^[A-Za-z0-9+/]{43}=$/.test(value)) return Buffer.from(value, 'base64');
  return null;
}

/** Comma-separated. An empty string is an empty list. */
export function list<T extends z.ZodType<unknown, string>>(entry: T) {
  return z.string().transform(splitList).pipe(z.array(entry));
}

/** `name=value`, comma-separated, with percent-encoded values, as in the variables of OpenTelemetry. */
export const keyValues = () =>
  list(
    z.string().transform((entry, context): [string, string] => {
      const [, name = '', encoded = ''] = /^\s*([^\s=]+)\s*=(.*)$/.exec(entry) ?? [];
      const value = decodePercent(encoded.trim());
      if (name !== '' && value !== null) return [name, value];
      context.addIssue('must be name=value, comma-separated, with percent-encoded values');
      return z.NEVER;
    }),
  ).transform((entries): Record<string, string> => Object.fromEntries(entries));

function decodePercent(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

/** Waits in seconds: at least one, each at most a week. */
export const durations = () =>
  list(number(0, 604_800)).refine((waits) => waits.length > 0 && waits.length <= 100, 'must hold 1 to 100 waits');

/** CIDRs, host names and wildcards such as `*.svc.cluster.local`, or `none`. Checks the format only; the sender interprets them. */
export function hosts() {
  return z
    .string()
    .refine((value) => value === 'none' || (splitList(value).length > 0 && splitList(value).every(isHostOrWildcard)), {
      error: 'must be `none`, or IP addresses, CIDRs, host names or wildcards (`*.example.com`), comma-separated',
    });
}

/** Servers, `host` or `host:port`, comma-separated; an IPv6 address in brackets. */
export const servers = (defaultPort: number) =>
  list(
    z.string().transform((entry, context) => {
      const [, host = '', given = String(defaultPort)] = SERVER.exec(entry) ?? [];
      const address = host.replace(/^\[|\]$/g, '');
      if (isHost(address) && Number(given) >= 1 && Number(given) <= 65_535)
        return { host: address, port: Number(given) };
      context.addIssue(
        `must be servers such as redis-1:${defaultPort}, comma-separated, without a scheme or a password`,
      );
      return z.NEVER;
    }),
  );

const SERVER = /^(\[[0-9a-fA-F:.]+\]|[^:/@]+)(?::(\d{1,5}))?$/;

/** IP addresses and CIDRs, comma-separated. */
export const addresses = () =>
  list(z.string().refine((entry) => /^[0-9a-fA-F.:/]+$/.test(entry) && isHost(entry), 'must be IP addresses or CIDRs'));

/** Origins such as `https://app.example.com`, or `https://*.example.com`, comma-separated. */
export const origins = () =>
  list(z.string().regex(ORIGIN, 'must be origins such as https://app.example.com, without a path'));

const ORIGIN = /^https?:\/\/(\*\.)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:\d{1,5})?$/;

const isHostOrWildcard = (entry: string): boolean =>
  isHost(entry) ||
  (entry.startsWith('*.') && isIP(entry.slice(2)) === 0 && !entry.includes('/') && isHost(entry.slice(2)));

function isHost(entry: string): boolean {
  const [address = '', bits, ...rest] = entry.split('/');
  if (rest.length > 0) return false;
  const family = isIP(address);
  if (bits !== undefined) return family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  return family !== 0 || (entry !== 'none' && /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(entry));
}

const splitList = (value: string): string[] =>
  value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
