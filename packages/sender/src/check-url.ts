import { isIP } from 'node:net';
import type { AddressPolicy } from './address-policy.js';
import { mayReach } from './address-rules.js';

export const MAX_URL_CHARACTERS = 2048;

/** `href` is the form to store, show and connect to. `reason` says how to fix the URL. */
export type UrlCheck = { ok: true; href: string } | { ok: false; reason: string };

// The Fetch standard's bad ports, and 0. This prevents cross-protocol attacks; the address rules protect private
// networks.
const BAD_PORTS = new Set(
  `0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139
   143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049
   3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080`.split(/\s+/),
);

// White space, control and invisible format characters, half surrogate pairs: the parser silently drops or replaces
// some of them.
const UNSEEN = /[\s\p{Cc}\p{Cf}\p{Cs}]/u;
const METADATA_NAMES = new Set(['metadata', 'metadata.google.internal']); // never allowed
const INNER_NAME = /(^|\.)(localhost|local|internal|home\.arpa|onion)$/;
const LOCALHOST = /(^|\.)localhost$/;
const LABEL = /^[^.]{1,63}$/;
// For operators who read a customer's error. The first sentence appears in every refusal, so it reveals nothing about
// the address.
export const ALLOWED_BY = 'Operators can allow private networks with ALLOW_PRIVATE_NETWORKS.';
const DENIED_BY = 'Operators exclude it with DENY_NETWORKS.';

/** Checks, without network access, whether a webhook may go to this URL. Never throws. Acceptance is only
 *  preliminary: each connection checks the resolved addresses again. */
export function checkUrl(raw: string, policy: AddressPolicy): UrlCheck {
  if (raw.length > MAX_URL_CHARACTERS) return refuse(`The URL must have at most ${MAX_URL_CHARACTERS} characters.`);
  if (UNSEEN.test(raw))
    return refuse('The URL must not contain white space or invisible characters; percent-encode them.');
  const url = parse(raw);
  if (url === null) return refuse('The URL is not valid; enter a full URL such as https://example.com/webhook.');
  if (url.protocol !== 'https:' && (policy.requireHttps || url.protocol !== 'http:')) {
    return refuse(`The URL must start with https://${policy.requireHttps ? '' : ' or http://'}.`);
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('The URL must not contain a user name or password; send them in a custom header.');
  }
  if (BAD_PORTS.has(url.port)) return refuse(`Port ${url.port} is not allowed; use 443 or another port above 1024.`);

  url.hash = '';
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  const reason = reasonAgainstHost(url, policy);
  if (reason !== null) return refuse(reason);
  if (url.href.length > MAX_URL_CHARACTERS) {
    return refuse(`The percent-encoded URL must have at most ${MAX_URL_CHARACTERS} characters.`);
  }
  return { ok: true, href: url.href };
}

/** Does not use URL.canParse: after some thousand calls, Node 20 and 22 reject every URL with a letter such as ü
 *  (V8's fast calls pass Latin-1 instead of UTF-8). */
function parse(raw: string): URL | null {
  try {
    return new URL(raw);
  } catch {
    return null;
  }
}

function reasonAgainstHost(url: URL, policy: AddressPolicy): string | null {
  const host = hostOf(url);
  if (isOwn(url, policy)) {
    const allowedBy = hasOwnPort(host) ? '' : ' Operators can allow it by its name in ALLOW_PRIVATE_NETWORKS.';
    return `${host} is this service itself; use the address of your own endpoint.${allowedBy}`;
  }
  if (isIP(host) !== 0) return reasonAgainstAddress(host, policy);
  if (METADATA_NAMES.has(host)) return `${host} is a cloud's metadata service; webhooks are never sent there.`;
  if (!host.split('.').every((label) => LABEL.test(label)) || host.length > 253) {
    return 'The URL has no valid host name.';
  }
  if (policy.deny.hasName(host)) return `Webhooks are not sent to ${host}. ${DENIED_BY}`;
  // If networks are allowed, a private name may resolve to one of them: the connection checks the addresses.
  if (policy.allowPrivate.hasName(host) || policy.allowPrivate.hasNetworks) return null;
  if (INNER_NAME.test(host)) {
    return `${host} is a host name of a private network; use one that is reachable from the internet, for example through a tunnel. ${ALLOWED_BY}`;
  }
  if (!host.includes('.')) {
    return `${host} is not a full host name; enter one such as hooks.example.com. ${ALLOWED_BY}`;
  }
  return null;
}

function reasonAgainstAddress(address: string, { allowPrivate, deny }: AddressPolicy): string | null {
  if (!mayReach(address, allowPrivate, { listedName: false })) {
    return `The URL points to a private or reserved address; use one that is reachable from the internet. ${ALLOWED_BY}`;
  }
  return deny.hasAddress(address) ? `Webhooks are not sent to this address. ${DENIED_BY}` : null;
}

/** Returns true for Posthorn's own host. All ports of a host name count, because Posthorn may use another one too.
 *  To run an endpoint on that host, operators list its name in ALLOW_PRIVATE_NETWORKS. For `localhost` and addresses
 *  the port counts, because on a developer's machine they are shared. */
function isOwn(url: URL, { ownUrl, allowPrivate }: AddressPolicy): boolean {
  if (ownUrl === null) return false;
  const host = hostOf(url);
  if (host !== hostOf(ownUrl)) return false;
  if (hasOwnPort(host)) return portOf(url) === portOf(ownUrl);
  return !allowPrivate.namesExactly(host);
}

/** Returns true for hosts on which Posthorn owns one port, not all. */
const hasOwnPort = (host: string): boolean => isIP(host) !== 0 || LOCALHOST.test(host);

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

const portOf = ({ port, protocol }: URL): string => port || (protocol === 'https:' ? '443' : '80');

function refuse(reason: string): UrlCheck {
  return { ok: false, reason };
}
