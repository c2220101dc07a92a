export type ConnectOutcome = 'timeout' | 'dns_error' | 'connect_error' | 'tls_error' | 'blocked';

/** Why there is no connection. undici hands it through to the request that was waiting for one. */
export class ConnectFailure extends Error {
  // undici keeps a request queued, and connects anew, after the codes UND_ERR_INFO and UND_ERR_SOCKET; any other ends it.
  readonly code = 'ERR_NOT_CONNECTED';
  readonly outcome: ConnectOutcome;
  /** The system's or OpenSSL's name for it, such as ECONNREFUSED. */
  readonly systemCode: string | null;

  constructor(outcome: ConnectOutcome, systemCode: string | null = null, options?: ErrorOptions) {
    super(systemCode === null ? outcome : `${outcome}: ${systemCode}`, options);
    this.outcome = outcome;
    this.systemCode = systemCode;
  }
}

const LOST_CONNECTION = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** Sorts what a socket reports before it is open; `securing` says that the TLS handshake had begun. */
export function asConnectFailure(error: Error, { securing }: { securing: boolean }): ConnectFailure {
  if (error instanceof ConnectFailure) return error;
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') return new ConnectFailure('timeout', code, { cause: error });
  // In the handshake nearly everything is about certificates and protocols: some two dozen codes, and OpenSSL adds to them.
  const outcome = securing && !isLostConnection(code) ? 'tls_error' : 'connect_error';
  return new ConnectFailure(outcome, code, { cause: error });
}

/** True for the codes of a connection that the other side ended. */
export function isLostConnection(code: string | null): boolean {
  return LOST_CONNECTION.has(code ?? '');
}

export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
