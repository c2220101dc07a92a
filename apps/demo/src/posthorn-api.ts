// The few calls of Posthorn's API that a chat app makes, as the demo needs them.

import type { Delivery, DeliveryDetail, PublishedEvent, Secrets, Subscription } from '@posthorn/contract';

/** The API answered, with a problem. The message is fit for a person. */
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

/** The API did not answer at all, or not in time: whether it did what it was asked is not known. */
export class ApiUnreachable extends Error {
  override name = 'ApiUnreachable';
}

export type PosthornApi = ReturnType<typeof openPosthornApi>;

/** Throws ApiProblem and ApiUnreachable, and nothing else. Repeating a call is safe: `publish` carries its own key. */
export function openPosthornApi({ url, operatorKey }: { url: string; operatorKey: string }) {
  async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const { body, idempotencyKey } = options;
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${operatorKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: body ?? null,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw new ApiUnreachable(`The API at ${url} does not answer.`, { cause: error });
    });
    const text = await answer.text().catch((error: unknown) => {
      throw new ApiUnreachable(`The API at ${url} broke off its answer.`, { cause: error });
    });
    if (!answer.ok) throw readProblem(answer, text);
    // Not checked against the contract: both ends of it are of the same version here.
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

    /** `body` goes out as it is: Posthorn keeps a payload's bytes. */
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

function readProblem(answer: Response, text: string): ApiProblem {
  const seconds = Number(answer.headers.get('retry-after') ?? NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  const problem = parseObject(text);
  const first: unknown = Array.isArray(problem.errors) ? problem.errors[0] : null;
  const message = [textOf(first, 'message'), textOf(problem, 'detail'), textOf(problem, 'title')].find(
    (part) => part !== null,
  );
  const code = textOf(problem, 'code') ?? `http_${answer.status}`;
  return new ApiProblem(answer.status, code, message ?? `The API answered ${answer.status}.`, retryAfterMs);
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
