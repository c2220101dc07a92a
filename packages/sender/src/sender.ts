import type { AddressPolicy } from './address-policy.js';
import { openGuardedAgent } from './guarded-agent.js';
import { guardConnections } from './guarded-connect.js';
import { postOnce, type PostRequest } from './post.js';
import type { PostResult } from './post-result.js';
import { openResolver, type Resolve } from './resolver.js';
import { openTargets } from './target.js';

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

export interface Sender {
  /** Sends one signed POST: at most one request, nothing is resent or followed, in at most `timeoutMs`. Resolves for everything a
   *  receiver or the network may do. Throws for bugs (a malformed secret or header, a closed sender) and when this machine is out
   *  of file descriptors: such an attempt must not count. */
  post(request: PostRequest): Promise<PostResult>;
  /** Waits for the posts under way, then closes every connection. Repeating is safe. */
  close(): Promise<void>;
}

export interface SenderOptions {
  policy: AddressPolicy;
  userAgent: string;
  /** For resolving, TCP and TLS together; 5 s. */
  connectTimeoutMs?: number;
  /** A deployment's own resolver, in place of DNS with a cache. Its answers are judged like any other. */
  resolve?: Resolve;
}

/** Opens a sender: kept-open connections that only ever lead to addresses the policy allows. */
export function openSender(options: SenderOptions): Sender {
  const { policy, userAgent, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
  const resolver = openResolver({ isListed: policy.allowPrivate.namesExactly });
  const resolve = options.resolve ?? resolver.resolve;
  const agent = openGuardedAgent(guardConnections({ policy, resolve, timeoutMs: connectTimeoutMs }));
  const findTarget = openTargets(policy);
  const underWay = new Set<Promise<PostResult>>();

  return {
    async post(request) {
      const posting = postOnce({ agent, findTarget, userAgent, connectTimeoutMs }, request);
      underWay.add(posting);
      try {
        return await posting;
      } finally {
        underWay.delete(posting);
      }
    },
    async close() {
      await Promise.allSettled(underWay);
      await agent.destroy();
      resolver.close();
    },
  };
}
