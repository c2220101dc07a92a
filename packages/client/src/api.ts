import type { AnyInit, CallOptions, Routes } from './routes.js';
import { send } from './send.js';
import { toJson } from './to-json.js';
import { VERSION } from './version.js';

export interface ConnectionOptions {
  /** URL of Posthorn's API, such as `https://hooks.example.com`. It may have a path. */
  url: string;
  /** The operator key, or a key of one account. */
  apiKey: string;
  /** Limit of a call in milliseconds, with its retries and the waits between them. Default: 30,000. */
  timeoutMs?: number | undefined;
  /** Limit of one attempt in milliseconds. Default: 10,000. */
  attemptTimeoutMs?: number | undefined;
  /** How often a request is sent at most. Default: 5. */
  maxAttempts?: number | undefined;
  /** Additional headers of every request, for a proxy before Posthorn. */
  headers?: Record<string, string> | undefined;
  /** Default: the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

export interface Api {
  routes: Routes;
  /** Options of a call. A POST is repeated only if it certainly had no effect. */
  once(options?: CallOptions): CallOptions;
  /** Options of a POST whose repetition changes nothing. */
  repeatable(options?: CallOptions): CallOptions & { repeatable: true };
}

export function openApi(options: ConnectionOptions): Api {
  const { apiKey, timeoutMs = 30_000, attemptTimeoutMs = 10_000, maxAttempts = 5 } = options;
  if (!/^https?:\/\//.test(options.url))
    throw new TypeError(`url must begin with http:// or https://; it is "${options.url}"`);
  if (!apiKey) throw new TypeError('apiKey is required: the operator key, or a key of one account');
  const base = options.url.replace(/\/+$/, '');
  const fixed = { 'user-agent': `posthorn-client/${VERSION}`, ...options.headers, authorization: `Bearer ${apiKey}` };
  // A method of globalThis in some runtimes.
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));

  const call =
    (method: string) =>
    async (path: string, init: AnyInit = {}) => {
      const { params = {}, body } = init;
      const headers = withoutUndefined({
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...fixed,
        ...params.header,
        ...init.headers,
      });
      const request = {
        url: base + urlOf(path, params),
        method,
        headers,
        body: body === undefined ? null : toJson(body),
      };
      const limits = { maxAttempts, attemptTimeoutMs, timeoutMs: init.timeoutMs ?? timeoutMs };
      return send(request, { fetch, ...limits, signal: init.signal, repeatable: init.repeatable ?? method !== 'POST' });
    };
  const routes = Object.fromEntries(['GET', 'PUT', 'POST', 'PATCH', 'DELETE'].map((method) => [method, call(method)]));
  return {
    routes: routes as unknown as Routes,
    once: (given = {}) => given,
    repeatable: (given) => ({ ...given, repeatable: true }),
  };
}

/** Fills the parameters into the path. An array is a repeated parameter. Throws TypeError for a value that would lead to another route. */
function urlOf(path: string, { path: names = {}, query = {} }: NonNullable<AnyInit['params']>): string {
  const given = new Map<string, unknown>(Object.entries(names));
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => segmentOf(name, given.get(name)));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat()) if (one !== undefined) search.append(name, String(one));
  const text = search.toString();
  return text === '' ? url : `${url}?${text}`;
}

/** URLs drop `.` and `..`, however they are escaped, and an empty segment makes another path. */
function segmentOf(name: string, value: unknown): string {
  const text = typeof value === 'number' ? `${value}` : value;
  if (typeof text !== 'string' || ['', '.', '..'].includes(text))
    throw new TypeError(`${name} must be an id; it is ${JSON.stringify(value)}`);
  return encodeURIComponent(text);
}

/** Returns the body of a response. */
export const dataOf = async <Data>(result: Promise<{ data: Data }>): Promise<Data> => (await result).data;

/** `fetch` would send the text "undefined". */
const withoutUndefined = (headers: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined));
