import { mayReach } from './address-rules.js';
import { type AllowList, parseAllowList } from './allow-list.js';
import { type DenyList, parseDenyList } from './deny-list.js';

/** Where webhooks may go. */
export type AddressPolicy = {
  allowPrivate: AllowList;
  deny: DenyList;
  requireHttps: boolean;
  /** PUBLIC_URL, Posthorn's own address: a webhook to it would be a loop. null: not known. */
  ownUrl: URL | null;
};

/** Builds the policy from the settings ALLOW_PRIVATE_NETWORKS, DENY_NETWORKS, REQUIRE_HTTPS and PUBLIC_URL.
 *  Throws an Error that names the setting and the first entry that cannot be read. */
export function readAddressPolicy({
  allowPrivateNetworks,
  denyNetworks,
  requireHttps,
  publicUrl,
}: {
  allowPrivateNetworks: string;
  denyNetworks: string;
  requireHttps: boolean;
  publicUrl: string | null;
}): AddressPolicy {
  return {
    allowPrivate: named('ALLOW_PRIVATE_NETWORKS', () => parseAllowList(allowPrivateNetworks)),
    deny: named('DENY_NETWORKS', () => parseDenyList(denyNetworks)),
    requireHttps,
    ownUrl: publicUrl === null ? null : withoutTrailingDot(new URL(publicUrl)),
  };
}

/** Decides whether a connection may go to an address; `name` is the host name that led to it, null for a literal. */
export function permits({ allowPrivate, deny }: AddressPolicy, address: string, name: string | null): boolean {
  if (deny.hasAddress(address) || (name !== null && deny.hasName(name))) return false;
  return mayReach(address, allowPrivate, { listedName: name !== null && allowPrivate.hasName(name) });
}

function withoutTrailingDot(url: URL): URL {
  url.hostname = url.hostname.replace(/\.$/, '');
  return url;
}

function named<T>(setting: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${setting}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
