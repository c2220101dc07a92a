import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { codeOf, ConnectFailure } from './connect-failure.js';
import type { Resolve } from './resolver.js';

/** Says whether a connection may go to an address; `name` is the host name that led to it, null for a literal. */
export type Allows = (address: string, name: string | null) => boolean;

/** Makes the look-up of the sockets: asks once, and gives either every address of the name or, when a single one of them is
 *  refused, none. What it gives is what is connected to, with no second resolution in between. Node's option `all` is taken for
 *  granted: it follows from autoSelectFamily. */
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
