import { createHmac, randomBytes } from 'node:crypto';

/** Replaces what names machines, people and customers by short hashes. Equal values have equal hashes within one bundle only: the key of
 *  the hash is random and is not kept, so nobody can find out a value by hashing guesses. */
export interface Mask {
  /** A value as a whole. */
  hash(value: string): string;
  /** A text: URLs, addresses and host names in it, and all values of `hidden`. */
  text(text: string): string;
  /** The strings in a JSON value, and the names of its fields. */
  json<Value>(value: Value): Value;
}

const URLS = /\b[a-z][a-z\d+.-]*:\/\/[^\s"'<>)\]}]+/gi;
const IPV6 = /\[?\b[\da-f]{0,4}(?::[\da-f]{0,4}){2,}(?:%\w+)?\]?(?::\d{1,5})?/gi;
const IPV4 = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g;
const EMAILS = /[\w.+-]+@[\w.-]+/g;
/** Host names with a dot or a port: `db.internal`, `redis:6379`. */
const NAMES = /\b(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z][a-z\d-]*[a-z\d](?::\d{1,5})?\b|\b[a-z][a-z\d-]*:\d{2,5}\b/gi;

/** `hidden`: values that must not appear anywhere, such as secrets and parts of URLs in settings. Too short ones are ignored: they would
 *  replace ordinary words. */
export function openMask(hidden: readonly string[]): Mask {
  const key = randomBytes(32);
  const digest = (value: string) => createHmac('sha256', key).update(value).digest('hex').slice(0, 8);
  const known = [...new Set(hidden)].filter((value) => value.length >= 4).toSorted((a, b) => b.length - a.length);
  const text = (given: string) => {
    const withoutHidden = known.reduce(
      (left, value) => left.replaceAll(value, () => `<hidden ${digest(value)}>`),
      given,
    );
    return withoutHidden
      .replace(URLS, (url) => `<url ${digest(url)}>`)
      .replace(EMAILS, (address) => `<address ${digest(address)}>`)
      .replace(IPV4, (address) => `<host ${digest(address)}>`)
      .replace(IPV6, (address) => (isTime(address) ? address : `<host ${digest(address)}>`))
      .replace(NAMES, (name) => `<host ${digest(name)}>`);
  };
  const json = (value: unknown): unknown => {
    if (typeof value === 'string') return isMoment(value) ? value : text(value);
    if (value instanceof Date) return value.toISOString();
    if (Array.isArray(value)) return value.map(json);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [text(name), json(one)]));
  };
  return { hash: (value) => `<hidden ${digest(value)}>`, text, json: (value) => json(value) as typeof value };
}

const isMoment = (text: string): boolean => /^\d{4}-\d{2}-\d{2}[T ][\d:.]+(Z|[+-]\d{2}(:?\d{2})?)?$/.test(text);
const isTime = (text: string): boolean => /^\d{1,2}:\d{2}:\d{2}$/.test(text);

/** Returns the parts of a URL that identify someone: user, password, host, path and the values of the query. [] for other texts. */
export function partsOfUrl(value: string): string[] {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(value) || !URL.canParse(value)) return [];
  const { username, password, hostname, pathname, searchParams } = new URL(value);
  const raw = [username, password, ...hostname.split(','), ...pathname.split('/'), ...searchParams.values()];
  return raw.flatMap((part) => [part, decode(part)]).filter((part) => !COMMON.has(part));
}

/** Parts that are the same everywhere, and appear in texts of our own. */
const COMMON = new Set([
  '',
  'localhost',
  'postgres',
  'posthorn',
  'redis',
  'default',
  'require',
  'true',
  'false',
  'verify-full',
]);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
