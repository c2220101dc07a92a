import { readAddressPolicy, type AddressPolicy } from '../src/address-policy.js';

/** A policy by its settings; what is not given is the strictest that allows http. */
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
