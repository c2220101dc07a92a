import { mayReach } from './address-rules.js';
import { type AllowList, parseAllowList } from './allow-list.js';
import { type DenyList, parseDenyList } from './deny-list.js';

/** The addresses that webhooks may reach. */
export type AddressPolicy = {
  allowPrivate: AllowList;
  deny: DenyList;
  requireHttps: boolean;
  /** PUBLIC_URL, Posthorn's own address: a webhook to it would be a loop. null: unknown. */
  ownUrl: URL | null;
};

/** Builds the policy from the settings ALLOW_PRIVATE_NETWORKS, DENY_NETWORKS, REQUIRE_HTTPS and PUBLIC_URL. Throws
 *  an Error that names the setting and the first invalid entry. */
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

/** Returns whether a connection to an address is allowed. `name` is the host name that resolved to it; null for an
 *  address literal. */
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
