import { readAddressPolicy, type AddressPolicy } from '../src/address-policy.js';

/** A policy from settings. Default: the strictest one that allows http. */
export function policyOf({
  allow = 'none',
  deny = 'none',
  requireHttps = false,
  publicUrl = null,
}: {
  allow?: string;
  deny?: string;
  requireHttps?: boolean;
  publicUrl?: string | null;
} = {}): AddressPolicy {
  return readAddressPolicy({ allowPrivateNetworks: allow, denyNetworks: deny, requireHttps, publicUrl });
}
