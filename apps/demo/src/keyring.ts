import type { Posthorn } from '@posthorn/client';

/** The signing secrets that are valid for the demo's endpoint. */
export type Keyring = {
  secrets(): string[];
  /** Reads the secrets from the API, at most once per second. Concurrent callers share the request. Throws what the client throws. */
  refresh(): Promise<void>;
};

/** A real endpoint has its secret in its settings. This one also serves manually created subscriptions in any account, and rotated
 *  secrets, so it reads the secrets again when a signature does not match. */
export function openKeyring(posthorn: Posthorn, endpointUrl: () => string): Keyring {
  let secrets: string[] = [];
  let refreshing: Promise<void> | null = null;
  let refreshedAt = -Infinity;

  async function refresh(): Promise<void> {
    const waitMs = refreshedAt + 1000 - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    refreshedAt = performance.now();
    const accounts = await posthorn.accounts.list({ limit: 100 }).take(100);
    const found = await Promise.all(accounts.map(({ id }) => secretsOfAccount(id)));
    secrets = found.flat();
  }

  async function secretsOfAccount(account: string): Promise<string[]> {
    const subscriptions = await posthorn.subscriptions.list(account, { limit: 100 }).take(100);
    const ours = subscriptions.filter(({ url, pendingUrl }) => url === endpointUrl() || pendingUrl === endpointUrl());
    const found = await Promise.all(ours.map(({ id }) => posthorn.subscriptions.getSecret(account, id)));
    return found.flatMap(({ secret, previous }) => [secret, ...previous.map((old) => old.secret)]);
  }

  return {
    secrets: () => secrets,
    refresh: () => (refreshing ??= refresh().finally(() => (refreshing = null))),
  };
}
