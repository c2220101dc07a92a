import type { AddressPolicy } from './address-policy.js';
import { checkUrl } from './check-url.js';

const MAX_KNOWN_URLS = 10_000;

/** A URL taken apart for sending, or why nothing may be sent there. */
export type Target = { allowed: true; origin: string; host: string; path: string } | { allowed: false; reason: string };

/** Judges URLs by the policy and remembers the result: parsing and checking cost more than all else in preparing a post. */
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
