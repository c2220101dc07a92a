import tls from 'node:tls';

/** Makes this process trust an authority; returns a function that undoes it. Node reads NODE_EXTRA_CA_CERTS only at startup. */
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
