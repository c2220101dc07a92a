import type { Problem } from '@posthorn/contract';
import { parseJson } from './json.js';
import { isPortal } from './place.js';

/** An answer of the API that is no 2xx, or no answer at all (status 0). */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  /** What is wrong with which field, by its path. */
  readonly fields: ReadonlyMap<string, string>;

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? 'The server did not say what is wrong.');
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.requestId = problem.requestId ?? null;
    this.fields = new Map(problem.errors?.map(({ path, message }) => [path, message]));
  }
}

/** The portal's token, which lives in this page's memory only. The console has the browser send its cookie instead. */
let portalToken: string | null = null;
export function setPortalToken(token: string | null): void {
  portalToken = token;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Sends a request to the public API: in the console as who is signed in, in a portal with its token or as nobody. */
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

/** One request to the public API; resolves with its JSON, or with undefined where there is none. Throws ApiProblem. */
export async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await openRequest(method, path, {
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    signal,
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiProblem(0, { title: 'The server cannot be reached. Is it running, and are you online?' });
  });
  const text = await response.text();
  const json: unknown = text === '' ? undefined : parse(text);
  if (response.ok) return json as T;
  throw new ApiProblem(response.status, json ?? { title: `The server answered ${response.status}.` });
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** A query string of what is set; repeated where it is a list. */
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
