import type { AddressPolicy } from './address-policy.js';
import { checkUrl } from './check-url.js';

const MAX_KNOWN_URLS = 10_000;

/** The parts of a URL for sending, or why it is not allowed. */
export type Target = { allowed: true; origin: string; host: string; path: string } | { allowed: false; reason: string };

/** Checks URLs against the policy and caches the results: parsing and checking cost more than the rest of preparing
 *  a post. */
export function openTargets(policy: AddressPolicy): (url: string) => Target {
  const known = new Map<string, Target>();
  return (url) => {
    const target = known.get(url) ?? readTarget(url, policy);
    if (known.size >= MAX_KNOWN_URLS) known.clear();
    known.set(url, target);
    return target;
  };
}

function readTarget(url: string, policy: AddressPolicy): Target {
  const check = checkUrl(url, policy);
  if (!check.ok) return { allowed: false, reason: check.reason };
  const { origin, host, pathname, search } = new URL(check.href);
  return { allowed: true, origin, host, path: pathname + search };
}
