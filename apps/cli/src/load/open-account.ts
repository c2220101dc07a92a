import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiProblem, type Posthorn } from '@posthorn/client';
import { EXIT, PlainError } from '../plain-error.js';

/** The account of a load test. */
export interface LoadAccount {
  id: string;
  create(): Promise<void>;
  /** Makes a subscription whose URL passes the handshake, and returns its id. Throws an error that says why the workers cannot reach it. */
  subscribe(url: string, eventType: string, signal: AbortSignal): Promise<string>;
  /** Deletes the account and waits until the workers have erased it. Returns false if they go on for longer than that. */
  erase(): Promise<boolean>;
}

const POLL_MS = 200;
const VERIFY_WITHIN_MS = 60_000;
const ERASE_WITHIN_MS = 120_000;

/** Chooses the id of an account that does not exist yet. Throws unless the key is the operator's: the account of another key has real events. */
export async function chooseAccount(client: Posthorn, now = new Date()): Promise<LoadAccount> {
  const { data: session } = await client.routes.GET('/v1/session');
  if (session.accountId !== null) {
    throw new PlainError('A load test makes an account of its own, which needs the operator key.', {
      fix: 'Use a profile with the operator key: posthorn login <url>.',
      exitCode: EXIT.notAllowed,
    });
  }
  const minute = now.toISOString().slice(0, 16).replace('T', '-').replace(':', '');
  const id = `posthorn-load-${minute}-${randomBytes(3).toString('hex')}`;
  return {
    id,
    create: async () => void (await client.accounts.put(id, { name: 'Load test of posthorn load, erased at its end' })),
    subscribe: (url, eventType, signal) => subscribe(client, { id, url, eventType, signal }),
    erase: () => erase(client, id),
  };
}

async function subscribe(
  client: Posthorn,
  { id, url, eventType, signal }: { id: string; url: string; eventType: string; signal: AbortSignal },
): Promise<string> {
  let subscription;
  try {
    subscription = await client.subscriptions.create(id, { url, events: [eventType], description: 'posthorn load' });
  } catch (error) {
    if (!(error instanceof ApiProblem && error.code === 'url_not_allowed')) throw error;
    throw unreachable(url, error.message, error);
  }
  const until = Date.now() + VERIFY_WITHIN_MS;
  while (subscription.status === 'unverified') {
    signal.throwIfAborted();
    const { reason, error } = subscription.verification;
    if (reason !== null) throw unreachable(url, error ?? reason);
    if (Date.now() > until) {
      throw new PlainError(`The workers have not sent the handshake to ${url} within ${VERIFY_WITHIN_MS / 1_000} s.`, {
        fix: 'Check that a worker is running: posthorn doctor.',
      });
    }
    await pause(POLL_MS);
    subscription = await client.subscriptions.get(id, subscription.id);
  }
  return subscription.id;
}

function unreachable(url: string, why: string, cause?: unknown): PlainError {
  const { origin, hostname } = new URL(url);
  const isLocal = /^(127\.|\[::1\]$|localhost$)/.test(hostname);
  return new PlainError(`The workers may not, or cannot, send to the sink at ${origin}. ${why}`, {
    cause,
    fix: isLocal
      ? 'The sink listens on this machine. If API and workers run here too, allow it for the time of the test: ALLOW_PRIVATE_NETWORKS=127.0.0.1 and REQUIRE_HTTPS=false for all of them. Otherwise give a URL that leads to the sink: --sink-url https://load.example.com --sink-listen 0.0.0.0:8099.'
      : `Check that ${origin} leads to the sink (--sink-listen), and that ALLOW_PRIVATE_NETWORKS, DENY_NETWORKS and REQUIRE_HTTPS of API and workers allow it. posthorn doctor --endpoint <url> explains more.`,
  });
}

async function erase(client: Posthorn, id: string): Promise<boolean> {
  const until = Date.now() + ERASE_WITHIN_MS;
  try {
    while ((await client.accounts.delete(id)) !== undefined) {
      if (Date.now() > until) return false;
      await pause(POLL_MS);
    }
  } catch (error) {
    if (!(error instanceof ApiProblem && error.code === 'not_found')) throw error; // it is erased
  }
  return true;
}
