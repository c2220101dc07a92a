import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { codeOf, ConnectFailure } from './connect-failure.js';
import type { Resolve } from './resolver.js';

/** Returns whether a connection to an address is allowed. `name` is the host name that resolved to it; null for a
 *  literal. */
export type Allows = (address: string, name: string | null) => boolean;

/** Creates the look-up function of the sockets. It resolves once and returns all addresses of the name, or none if a
 *  single one is refused. The socket connects to exactly these, without a second resolution. Node always sets its
 *  option `all` with autoSelectFamily. */
export function guardLookup(resolve: Resolve, allows: Allows): LookupFunction {
  const lookup = callbackify(async (name: string): Promise<LookupAddress[]> => {
    const addresses = await resolveOrFail(resolve, name);
    if (addresses.length === 0) throw new ConnectFailure('dns_error', 'ENODATA');
    if (!addresses.every((address) => allows(address, name))) throw new ConnectFailure('blocked');
    return addresses.map((address) => ({ address, family: isIP(address) }));
  });
  return (name, _options, callback) => lookup(name, callback);
}

async function resolveOrFail(resolve: Resolve, name: string): Promise<readonly string[]> {
  try {
    return await resolve(name);
  } catch (error) {
    throw new ConnectFailure('dns_error', codeOf(error), { cause: error });
  }
}
