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
  const response = await send(method, path, body, signal);
  const text = await response.text();
  const json = text === '' ? undefined : parse(text);
  const lag = response.headers.get('posthorn-read-lag-seconds');
  return (lag === null ? json : { ...(json as object), readLagSeconds: Number(lag) }) as T;
}

/** A list, or statistics, from a read replica. */
export interface MayLag {
  /** How far the replica was behind. */
  readLagSeconds?: number;
}

/** The same as `call`, with the text of the response. */
export const callForText = async (...request: Parameters<typeof send>): Promise<string> =>
  (await send(...request)).text();

async function send(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const response = await openRequest(method, path, {
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    signal,
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiProblem(0, { title: 'The server cannot be reached. Is it running, and are you online?' });
  });
  if (!response.ok) throw await readProblem(response);
  return response;
}

/** Reads the error from a response whose status is not 2xx. */
async function readProblem(response: Response): Promise<ApiProblem> {
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
