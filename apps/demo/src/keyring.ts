import type { PosthornApi } from './posthorn-api.js';

/** The signing secrets that are valid for our receiver's URL. */
export type Keyring = {
  secrets(): string[];
  /** Asks the API anew; callers at the same time share the asking, and it happens once a second at most.
   *  Throws what the API client throws. */
  refresh(): Promise<void>;
};

/** A real receiver keeps its one secret in its settings. Ours also serves subscriptions that someone made by hand to try
 *  it, in any account, and secrets that were just rotated: so it asks when a signature is not known to it. */
export function openKeyring(api: PosthornApi, receiverUrl: () => string): Keyring {
  let secrets: string[] = [];
  let refreshing: Promise<void> | null = null;
  let refreshedAt = -Infinity;

  async function refresh(): Promise<void> {
    const waitMs = refreshedAt + 1000 - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    refreshedAt = performance.now();
    const { data: accounts } = await api.listAccounts();
    const found = await Promise.all(accounts.map(({ id }) => secretsOfAccount(id)));
    secrets = found.flat();
  }

  async function secretsOfAccount(account: string): Promise<string[]> {
    const { data: subscriptions } = await api.listSubscriptions(account);
    const ours = subscriptions.filter(({ url, pendingUrl }) => url === receiverUrl() || pendingUrl === receiverUrl());
    const found = await Promise.all(ours.map(({ id }) => api.readSecrets(account, id)));
    return found.flatMap(({ secret, previous }) => [secret, ...previous.map((old) => old.secret)]);
  }

  return {
    secrets: () => secrets,
    refresh: () => (refreshing ??= refresh().finally(() => (refreshing = null))),
  };
}
