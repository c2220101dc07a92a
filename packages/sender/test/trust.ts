import tls from 'node:tls';
import { vi } from 'vitest';

/** Adds an authority to those this process trusts, until `vi.restoreAllMocks()`: Node reads NODE_EXTRA_CA_CERTS only when it starts. */
export function trust(authority: string): void {
  const original = tls.createSecureContext;
  vi.spyOn(tls, 'createSecureContext').mockImplementation((options) => {
    const context = original(options);
    context.context.addCACert(authority);
    return context;
  });
}
