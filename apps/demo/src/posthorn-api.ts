// The calls of Posthorn's API that the demo needs.

import type { Delivery, DeliveryDetail, PublishedEvent, Secrets, Subscription } from '@posthorn/contract';

/** The API returned a problem. Its message can be shown to people. */
export class ApiProblem extends Error {
  override name = 'ApiProblem';
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | null;
  constructor(status: number, code: string, message: string, retryAfterMs: number | null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The API did not respond in time, so the request may or may not have taken effect. */
export class ApiUnreachable extends Error {
  override name = 'ApiUnreachable';
}

export type PosthornApi = ReturnType<typeof openPosthornApi>;

/** Its calls throw only ApiProblem and ApiUnreachable. Repeating a call is safe, because `publish` has an idempotency key. */
export function openPosthornApi({ url, operatorKey }: { url: string; operatorKey: string }) {
  async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const { body, idempotencyKey } = options;
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${operatorKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: body ?? null,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw new ApiUnreachable(`The API at ${url} is not responding.`, { cause: error });
    });
    const text = await response.text().catch((error: unknown) => {
      throw new ApiUnreachable(`The API at ${url} closed the connection during its response.`, { cause: error });
    });
    if (!response.ok) throw readProblem(response, text);
    // Not validated, because the demo and the API have the same version.
    return (text === '' ? null : JSON.parse(text)) as T;
  }
  const post = <T>(path: string, body?: object): Promise<T> =>
    call<T>('POST', path, body === undefined ? {} : { body: JSON.stringify(body) });
  const segment = encodeURIComponent;

  return {
    putAccount: (account: string, name: string) =>
      call('PUT', `/v1/accounts/${segment(account)}`, { body: JSON.stringify({ name }) }),
    listAccounts: () => call<List<{ id: string }>>('GET', '/v1/accounts?limit=100'),

    listSubscriptions: (account: string) =>
      call<List<Subscription>>('GET', `/v1/accounts/${segment(account)}/subscriptions?limit=100`),
    getSubscription: (account: string, id: string) =>
      call<Subscription>('GET', `/v1/accounts/${segment(account)}/subscriptions/${segment(id)}`),
    createSubscription: (account: string, subscription: { url: string; description: string; metadata: object }) =>
      post<Subscription>(`/v1/accounts/${segment(account)}/subscriptions`, subscription),
    moveSubscription: (account: string, id: string, to: string) =>
      call<Subscription>('PATCH', `/v1/accounts/${segment(account)}/subscriptions/${segment(id)}`, {
        body: JSON.stringify({ url: to }),
      }),
    verifySubscription: (account: string, id: string) =>
      post<Subscription>(`/v1/accounts/${segment(account)}/subscriptions/${segment(id)}/verify`),
    resumeSubscription: (account: string, id: string) =>
      post<Subscription>(`/v1/accounts/${segment(account)}/subscriptions/${segment(id)}/resume`),
    readSecrets: (account: string, id: string) =>
      call<Secrets>('GET', `/v1/accounts/${segment(account)}/subscriptions/${segment(id)}/secret`),

    /** Sends `body` unchanged, because Posthorn keeps a payload's bytes. */
    publish: (account: string, event: { body: string; idempotencyKey: string }) =>
      call<PublishedEvent>('POST', `/v1/accounts/${segment(account)}/events`, event),

    listDeliveries: (account: string, query: { subscription?: string; event?: string; limit: number }) =>
      call<List<Delivery>>('GET', `/v1/accounts/${segment(account)}/deliveries?${toQuery(query)}`),
    getDelivery: (account: string, id: string) =>
      call<DeliveryDetail>('GET', `/v1/accounts/${segment(account)}/deliveries/${segment(id)}`),
    retryDelivery: (account: string, id: string) =>
      post<Delivery>(`/v1/accounts/${segment(account)}/deliveries/${segment(id)}/retry`),
  };
}

const TIMEOUT_MS = 10_000;

type List<T> = { data: T[] };
type CallOptions = { body?: string; idempotencyKey?: string };

const toQuery = (query: Record<string, string | number>): string =>
  new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])).toString();

function readProblem(response: Response, text: string): ApiProblem {
  const seconds = Number(response.headers.get('retry-after') ?? NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  const problem = parseObject(text);
  const first: unknown = Array.isArray(problem.errors) ? problem.errors[0] : null;
  const message = [textOf(first, 'message'), textOf(problem, 'detail'), textOf(problem, 'title')].find(
    (part) => part !== null,
  );
  const code = textOf(problem, 'code') ?? `http_${response.status}`;
  return new ApiProblem(response.status, code, message ?? `The API returned status ${response.status}.`, retryAfterMs);
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown, key: string): string | null {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : null;
  return typeof found === 'string' && found !== '' ? found : null;
}
