import type { AddressPolicy } from './address-policy.js';
import { openGuardedAgent } from './guarded-agent.js';
import { guardConnections } from './guarded-connect.js';
import { postOnce, type PostRequest } from './post.js';
import type { PostResult } from './post-result.js';
import { openResolver, type Resolve } from './resolver.js';
import { openTargets } from './target.js';

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

export interface Sender {
  /** Sends one signed POST: at most one request, without retries or redirects, in at most `timeoutMs`. Resolves for
   *  everything that an endpoint or the network may do.
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
}

/** Opens a sender, whose kept-open connections go only to addresses that the policy allows. */
export function openSender(options: SenderOptions): Sender {
  const { policy, userAgent, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
  const resolver = openResolver({ isListed: policy.allowPrivate.namesExactly });
  const resolve = options.resolve ?? resolver.resolve;
  const agent = openGuardedAgent(guardConnections({ policy, resolve, timeoutMs: connectTimeoutMs }));
  const findTarget = openTargets(policy);
  const inFlight = new Set<Promise<PostResult>>();

  return {
    async post(request) {
      const posting = postOnce({ agent, findTarget, userAgent, connectTimeoutMs }, request);
      inFlight.add(posting);
      try {
        return await posting;
      } finally {
        inFlight.delete(posting);
      }
    },
    async close() {
      await Promise.allSettled(inFlight);
      await agent.destroy();
      resolver.close();
    },
  };
}
