import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Dialect } from './dialect.js';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const CREATED = 'message:created';

/** Functions for Posthorn's own scenarios, beyond the dialect. */
export interface PosthornDialect extends Dialect {
  unsubscribe(channel: string): Promise<void>;
  /** Default of the type: message:created. */
  publish(channel: string, payload: string, type?: string): Promise<void>;
  publishBatch(channel: string, payloads: string[]): Promise<void>;
  call(method: Method, path: string, body?: string): Promise<{ status: number; text: string }>;
  /** Adds a subscription to an account. Resolves with its id when it is active. */
  addSubscription(account: string, fields: object): Promise<string>;
}

/** Posthorn over HTTP. Each channel is an account. */
export function openPosthornDialect({ apiUrl, operatorKey }: { apiUrl: string; operatorKey: string }): PosthornDialect {
  const dispatcher = new Agent({ connections: 64, pipelining: 1 });
  const headers = { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' };

  async function call(method: Method, path: string, body?: string): Promise<{ status: number; text: string }> {
    const response = await request(apiUrl + path, {
      method,
      headers,
      dispatcher,
      ...(body !== undefined && { body }),
    });
    return { status: response.statusCode, text: await response.body.text() };
  }
  async function succeed(method: Method, path: string, body?: string): Promise<string> {
    const { status, text } = await call(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text;
  }
  const eventOf = (payload: string, type = CREATED): string => `{"event":"${type}","payload":${payload}}`;

  async function addSubscription(account: string, fields: object): Promise<string> {
    const created = await succeed('POST', `/v1/accounts/${account}/subscriptions`, JSON.stringify(fields));
    const { id } = JSON.parse(created) as { id: string };
    for (let looks = 0; looks < 300; looks += 1) {
      const text = await succeed('GET', `/v1/accounts/${account}/subscriptions/${id}`);
      if ((JSON.parse(text) as { status: string }).status === 'active') return id;
      await pause(100);
    }
    throw new Error(`The subscription did not become active within 30 s: ${created}`);
  }

  return {
    call,
    addSubscription,
    async subscribe(urls) {
      const account = `bench-${randomBytes(6).toString('hex')}`;
      await succeed('PUT', `/v1/accounts/${account}`, '{}');
      await Promise.all(urls.map((url) => addSubscription(account, { url })));
      return account;
    },
    async publish(account, payload, type) {
      await succeed('POST', `/v1/accounts/${account}/events`, eventOf(payload, type));
    },
    async publishBatch(account, payloads) {
      const body = `{"events":[${payloads.map((payload) => eventOf(payload)).join(',')}]}`;
      await succeed('POST', `/v1/accounts/${account}/events/batch`, body);
    },
    async unsubscribe(account) {
      await succeed('DELETE', `/v1/accounts/${account}`);
    },
    close: () => dispatcher.close(),
  };
}
