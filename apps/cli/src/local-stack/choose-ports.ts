import { findFreePort, isPortFree } from '@posthorn/embedded';
import { PlainError } from '../plain-error.js';

export interface PortRequest {
  /** The variable to change if the port is in use. */
  variable: string;
  host: string;
  /** 0 picks a free one. */
  port: number;
}

/** Returns the requested ports after checking that each is free. Throws an error that names a port in use and its variable. */
export async function choosePorts<Name extends string>(
  requests: Record<Name, PortRequest>,
): Promise<Record<Name, number>> {
  const chosen: Partial<Record<Name, number>> = {};
  const taken = new Map<number, string>();
  for (const [name, { variable, host, port }] of Object.entries(requests) as [Name, PortRequest][]) {
    const twin = port === 0 ? undefined : taken.get(port);
    if (twin !== undefined) throw new PlainError(`${variable} and ${twin} are both ${port}: change one of them.`);
    if (port !== 0 && !(await isPortFree(port, host))) {
      throw new PlainError(`Port ${port} is in use: set ${variable} to another one, or to 0 for any free port.`);
    }
    chosen[name] = port === 0 ? await freePort(taken) : port;
    taken.set(chosen[name], variable);
  }
  return chosen as Record<Name, number>;
}

async function freePort(taken: Map<number, string>): Promise<number> {
  for (;;) {
    const port = await findFreePort();
    if (!taken.has(port)) return port;
  }
}
