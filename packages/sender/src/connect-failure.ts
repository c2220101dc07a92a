export type ConnectOutcome = 'timeout' | 'dns_error' | 'connect_error' | 'tls_error' | 'blocked';

/** Why a connection failed. undici passes it to the request that waited for the connection. */
export class ConnectFailure extends Error {
  // After the codes UND_ERR_INFO and UND_ERR_SOCKET, undici keeps the request and connects again; any other code ends
  // it.
  readonly code = 'ERR_NOT_CONNECTED';
  readonly outcome: ConnectOutcome;
  /** The code of the system or of OpenSSL, such as ECONNREFUSED. */
  readonly systemCode: string | null;

  constructor(outcome: ConnectOutcome, systemCode: string | null = null, options?: ErrorOptions) {
    super(systemCode === null ? outcome : `${outcome}: ${systemCode}`, options);
    this.outcome = outcome;
    this.systemCode = systemCode;
  }
}

const LOST_CONNECTION = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** Classifies an error of a socket that is not open yet. `securing`: the TLS handshake has started. */
export function asConnectFailure(error: Error, { securing }: { securing: boolean }): ConnectFailure {
  if (error instanceof ConnectFailure) return error;
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') return new ConnectFailure('timeout', code, { cause: error });
  // In the handshake, nearly all of the two dozen codes are about certificates and protocols.
  const outcome = securing && !isLostConnection(code) ? 'tls_error' : 'connect_error';
  return new ConnectFailure(outcome, code, { cause: error });
}

/** Returns true for the codes of a connection that the other side ended. */
export function isLostConnection(code: string | null): boolean {
  return LOST_CONNECTION.has(code ?? '');
}

export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
