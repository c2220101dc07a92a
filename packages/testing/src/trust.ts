import tls from 'node:tls';

/** Adds an authority to those that this process trusts; returns how to undo it. Node reads NODE_EXTRA_CA_CERTS only when it starts. */
export function trust(authority: string): () => void {
  const original = tls.createSecureContext;
  tls.createSecureContext = (options) => {
    const context = original(options);
    context.context.addCACert(authority);
    return context;
  };
  return () => {
    tls.createSecureContext = original;
  };
}
