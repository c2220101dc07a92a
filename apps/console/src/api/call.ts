import { ApiProblem } from './api-problem.js';
import { parseJson } from './json.js';
import { isPortal } from './place.js';

/** The portal's token, kept only in this page's memory. In the console, the browser sends a cookie instead. */
let portalToken: string | null = null;
export function setPortalToken(token: string | null): void {
  portalToken = token;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Sends a request to the public API. The console uses its session cookie, a portal its token. */
export const openRequest = (
  method: Method,
  path: string,
  { headers, body, signal }: { headers?: Record<string, string>; body?: string; signal?: AbortSignal | undefined },
): Promise<Response> =>
  fetch(new URL(`.${path}`, document.baseURI), {
    method,
    credentials: isPortal ? 'omit' : 'same-origin',
    headers: {
      ...headers,
      ...(isPortal
        ? portalToken !== null && { authorization: `Bearer ${portalToken}` }
        : method !== 'GET' && { 'x-posthorn-csrf': '1' }),
    },
    ...(body !== undefined && { body }),
    ...(signal && { signal }),
  });

/** Sends a request to the public API. Returns the JSON of its response, or undefined if the body is empty. Throws ApiProblem. */
export async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const text = await callForText(method, path, body, signal);
  return (text === '' ? undefined : parse(text)) as T;
}

/** The same, with the text of the response. */
export async function callForText(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<string> {
  const response = await openRequest(method, path, {
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    signal,
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiProblem(0, { title: 'The server cannot be reached. Is it running, and are you online?' });
  });
  if (!response.ok) throw await readProblem(response);
  return response.text();
}

/** Reads the error from a response whose status is not 2xx. */
export async function readProblem(response: Response): Promise<ApiProblem> {
  const json = parse(await response.text());
  return new ApiProblem(response.status, json ?? { title: `The server returned status ${response.status}.` });
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** A query string of the values that are set. A list repeats its name. */
export function query(values: Record<string, string | number | readonly string[] | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') search.append(name, String(one));
    }
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}
