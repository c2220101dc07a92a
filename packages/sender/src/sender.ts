import type { AddressPolicy } from './address-policy.js';
import { guardConnections } from './guarded-connect.js';
import { postOnce, type PostRequest } from './post.js';
import type { PostResult } from './post-result.js';
import { requestToken } from './request-token.js';
import { openResolver, type Resolve } from './resolver.js';
import { openTargets } from './target.js';
import { openAgents } from './tls-identities.js';
import { openTokenCache } from './token-cache.js';

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

export interface Sender {
  /** Sends one signed POST: at most one request to the endpoint, without retries or redirects, in at most `timeoutMs`.
   *  Before it, requests an access token if `access` requires one that is not cached. Resolves for everything that an
   *  endpoint, a token server or the network may do.
   *  Throws for bugs (a malformed secret or header, a closed sender) and if this machine has no file descriptors
   *  left: such an attempt must not count. */
  post(request: PostRequest): Promise<PostResult>;
  /** Waits for running posts, then closes all connections. Safe to repeat. */
  close(): Promise<void>;
}

export interface SenderOptions {
  policy: AddressPolicy;
  userAgent: string;
  /** For resolving, TCP and TLS together. Default: 5 s. */
  connectTimeoutMs?: number;
  /** A custom resolver instead of DNS with a cache. Its addresses are checked like any others. */
  resolve?: Resolve;
  /** PEM: certificate authorities that all connections trust in addition to the public ones. Default: none. */
  certificateAuthorities?: readonly string[];
}

/** Opens a sender, whose kept-open connections go only to addresses that the policy allows. */
export function openSender(options: SenderOptions): Sender {
  const { policy, userAgent, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, certificateAuthorities = [] } = options;
  const resolver = openResolver({ isListed: policy.allowPrivate.namesExactly });
  const resolve = options.resolve ?? resolver.resolve;
  const agents = openAgents({
    authorities: certificateAuthorities,
    connect: (secureContext) => guardConnections({ policy, resolve, timeoutMs: connectTimeoutMs, secureContext }),
  });
  const findTarget = openTargets(policy);
  const tokenDeps = { agents, findTarget, userAgent, connectTimeoutMs };
  const tokens = openTokenCache({
    request: ({ oauth2, certificateAuthorities: own }) => requestToken(tokenDeps, oauth2, own),
    now: () => performance.now(),
  });
  const inFlight = new Set<Promise<PostResult>>();

  return {
    async post(request) {
      const posting = postOnce({ agents, tokens, findTarget, userAgent, connectTimeoutMs }, request);
      inFlight.add(posting);
      try {
        return await posting;
      } finally {
        inFlight.delete(posting);
      }
    },
    async close() {
      await Promise.allSettled(inFlight);
      await agents.destroy();
      resolver.close();
    },
  };
}
