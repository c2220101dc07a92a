import type { Attempt } from './delivery.js';

// No zod is needed here.

/** What went wrong in an attempt, as precisely as the advice differs. */
export type AttemptProblem =
  | 'access_denied'
  | 'wrong_route'
  | 'request_timeout'
  | 'gone'
  | 'body_too_large'
  | 'too_many_requests'
  | 'client_error'
  | 'server_error'
  | 'redirect'
  | 'timeout'
  | 'dns'
  | 'connection'
  | 'tls'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'certificate_name'
  | 'certificate_self_signed'
  | 'certificate_private_authority'
  | 'certificate_chain'
  | 'certificate_revoked'
  | 'token_timeout'
  | 'token_unreachable'
  | 'token_url_blocked'
  | 'token_client_refused'
  | 'token_server_error'
  | 'token_response_invalid'
  | 'token_rejected'
  | 'client_certificate_expired'
  | 'client_certificate_invalid'
  | 'client_certificate_needs_https'
  | 'client_certificate_refused'
  | 'authentication'
  | 'blocked'
  | 'bad_response'
  | 'aborted';

export interface Advice {
  /** The likely cause. */
  cause: string;
  /** How to fix it. */
  fix: string;
}

const ADVICE: Record<AttemptProblem, Advice> = {
  access_denied: {
    cause: 'The URL requires a login or a token, or a CSRF check or a bot shield rejected the request.',
    fix: 'Exempt the path from that check and verify the signature instead, or add the required header or authentication to the webhook. Then retry.',
  },
  wrong_route: {
    cause: 'The path is wrong, or the server has no POST route for it.',
    fix: 'Correct the path in the URL, or add a POST route. Then retry.',
  },
  request_timeout: {
    cause: 'The server, or a proxy in front of it, stopped waiting for the request.',
    fix: 'Check the load of the server and the request timeout of the proxy. Then retry.',
  },
  gone: {
    cause: '410 Gone asks Posthorn to stop, so the webhook was disabled.',
    fix: 'If that was a mistake, fix the endpoint, then enable the webhook.',
  },
  body_too_large: {
    cause: 'The body exceeds a limit of the server or of a proxy in front of it.',
    fix: 'Raise the body limit to 300 KiB: a payload may have 256 KiB. Then retry.',
  },
  too_many_requests: {
    cause: 'The endpoint received more requests than it allows.',
    fix: 'Set a rate limit on the webhook, or raise the limit of the endpoint. Posthorn waits as long as Retry-After says, at most 24 hours.',
  },
  client_error: {
    cause: 'The endpoint rejected the request. The response body often says why.',
    fix: 'Return 2xx for every event, including those that you ignore. Then retry.',
  },
  server_error: {
    cause: 'The handler failed, or a proxy could not reach it.',
    fix: 'Find the error in the log of the endpoint at the time of this attempt and fix it. Then retry.',
  },
  redirect: {
    cause: 'The URL redirects: from http to https, to or from www, to a path with another slash, or to a login page.',
    fix: 'Change the URL to the final one. Posthorn does not follow redirects, because a signed body goes only to the URL that you entered.',
  },
  timeout: {
    cause: 'The handler works before it responds, or a firewall drops the connection silently.',
    fix: 'Return 2xx first and process the event afterwards. The event may have been processed: recognize repeats by their webhook-id.',
  },
  dns: {
    cause: 'The name is misspelled or internal, the domain has expired, or its name server is down.',
    fix: 'Resolve the name from outside your network, then correct the URL or the DNS records.',
  },
  connection: {
    cause: 'Nothing listens on this port, a firewall rejects the connection, or it was closed before a response.',
    fix: 'Check that the server runs and accepts connections from outside. The event may have been processed: recognize repeats by their webhook-id.',
  },
  tls: {
    cause: 'The TLS handshake failed because of the certificate, the port or the TLS version.',
    fix: 'Test the URL with a TLS checker outside your network, and turn on TLS 1.2 or 1.3.',
  },
  certificate_expired: {
    cause: 'The certificate has expired.',
    fix: 'Renew the certificate, reload the server, then retry.',
  },
  certificate_not_yet_valid: {
    cause: 'The certificate is not valid yet.',
    fix: 'Install a certificate that is valid now, then retry.',
  },
  certificate_name: {
    cause: 'The certificate is for another host name.',
    fix: 'Install a certificate for the host of the URL, or correct the URL. Then retry.',
  },
  certificate_self_signed: {
    cause: 'The certificate is self-signed.',
    fix: 'Install a certificate of a public certificate authority, or add the certificate to the webhook as a certificate authority. Then retry.',
  },
  certificate_private_authority: {
    cause: 'A private certificate authority issued the certificate.',
    fix: 'Install a certificate of a public certificate authority, or add the authority to the webhook. Then retry.',
  },
  certificate_chain: {
    cause: 'The server does not send an intermediate certificate, or the certificate authority is not public.',
    fix: 'Install the full chain: the certificate, then each intermediate one. Add an authority of your own to the webhook. Then retry.',
  },
  certificate_revoked: {
    cause: 'The certificate has been revoked.',
    fix: 'Install a new certificate, then retry.',
  },
  token_timeout: {
    cause: 'The token server did not respond in time. Nothing was sent to the endpoint.',
    fix: 'Check that the token server runs and responds within a few seconds. Posthorn asks again with the next attempt.',
  },
  token_unreachable: {
    cause: 'The token server could not be reached over a secure connection. Nothing was sent to the endpoint.',
    fix: 'Check the token URL, and that its server runs and accepts connections from outside. If its certificate authority is private, add it to the webhook. Then retry.',
  },
  token_url_blocked: {
    cause:
      'The token URL leads to a private address, or uses http where https is required. Nothing was sent to the endpoint.',
    fix: 'Use a public https URL. For a token server in your own network, an operator can set ALLOW_PRIVATE_NETWORKS.',
  },
  token_client_refused: {
    cause: 'The token server refused the client id, the client secret or the scope. Nothing was sent to the endpoint.',
    fix: 'Enter the current client id, client secret and scope in the webhook. If they are correct, try the other way to send the client secret. Then retry.',
  },
  token_server_error: {
    cause: 'The token server failed or limits requests. Nothing was sent to the endpoint.',
    fix: 'Find the error in the log of the token server. Posthorn asks again with the next attempt.',
  },
  token_response_invalid: {
    cause:
      'The token URL did not return a token: it may be a login page, a redirect or another route. Nothing was sent to the endpoint.',
    fix: 'Enter the token endpoint of the server, often the token_endpoint of its /.well-known/openid-configuration. Then retry.',
  },
  token_rejected: {
    cause: 'The endpoint refused the access token: it was revoked, ended early, or is for another audience or scope.',
    fix: 'Nothing to do if the next attempt succeeds: it gets a new token. Otherwise correct the audience and scope of the webhook, then retry.',
  },
  client_certificate_expired: {
    cause: 'The client certificate of the webhook has expired. Nothing was sent.',
    fix: 'Enter a current certificate with its key in the webhook, then retry.',
  },
  client_certificate_invalid: {
    cause:
      'The client certificate, its key or the certificate authority of the webhook cannot be used. Nothing was sent.',
    fix: 'Enter it again in the webhook, then retry.',
  },
  client_certificate_needs_https: {
    cause: 'The webhook has a client certificate, but its URL is not https. Nothing was sent.',
    fix: 'Change the URL to https, or remove the certificate. Then retry.',
  },
  client_certificate_refused: {
    cause: 'The endpoint requires a client certificate, or refused the one of the webhook.',
    fix: 'Add a client certificate to the webhook. If it has one, check that the endpoint trusts its authority. Then retry.',
  },
  authentication: {
    cause: 'The authentication of the webhook failed. Nothing was sent to the endpoint.',
    fix: 'Check the authentication in the settings of the webhook, then retry.',
  },
  blocked: {
    cause:
      'The URL leads to a private, loopback or metadata address, or uses http where https is required. Nothing was sent.',
    fix: 'Use a public https URL. For an endpoint in your own network, an operator can set ALLOW_PRIVATE_NETWORKS.',
  },
  bad_response: {
    cause: 'Another protocol listens on this port, a proxy is broken, or the response headers are too large.',
    fix: 'Run curl -i against the URL from outside your network, and check the first lines.',
  },
  aborted: {
    cause: 'A worker was shut down during the attempt. The attempt does not count against the endpoint.',
    fix: 'Nothing to do: the attempt is repeated. The event may arrive twice, with the same webhook-id.',
  },
};

type Ending = Pick<Attempt, 'outcome' | 'statusCode' | 'errorCode'>;

/** Returns the likely cause of a failed attempt and its fix; null for a successful one. */
export function attemptAdvice(attempt: Ending): (Advice & { problem: AttemptProblem }) | null {
  const problem = findProblem(attempt);
  return problem === null ? null : { problem, ...ADVICE[problem] };
}

function findProblem({ outcome, statusCode, errorCode }: Ending): AttemptProblem | null {
  switch (outcome) {
    case 'ok':
      return null;
    case 'http_error':
      return errorCode === 'OAUTH_TOKEN_REJECTED' ? 'token_rejected' : statusProblem(statusCode ?? 0);
    case 'tls_error':
      if (ABOUT_CLIENT_CERTIFICATE.test(errorCode ?? '')) return 'client_certificate_refused';
      return CERTIFICATE_PROBLEMS.get(errorCode ?? '') ?? 'tls';
    case 'auth_error':
      return AUTH_PROBLEMS.get(errorCode ?? '') ?? 'authentication';
    case 'dns_error':
      return 'dns';
    case 'connect_error':
      return 'connection';
    case 'redirect':
    case 'timeout':
    case 'blocked':
    case 'bad_response':
    case 'aborted':
      return outcome;
    default:
      return outcome satisfies never;
  }
}

function statusProblem(status: number): AttemptProblem {
  switch (status) {
    case 401:
    case 403:
      return 'access_denied';
    case 404:
    case 405:
      return 'wrong_route';
    case 408:
      return 'request_timeout';
    case 410:
      return 'gone';
    case 413:
      return 'body_too_large';
    case 429:
      return 'too_many_requests';
    default:
      return status >= 500 ? 'server_error' : 'client_error';
  }
}

// Alerts of the endpoint about our certificate; the same codes as in sender/explain-tls.ts.
const ABOUT_CLIENT_CERTIFICATE =
  /_(CERTIFICATE_(REQUIRED|UNKNOWN|EXPIRED|REVOKED)|(BAD|UNSUPPORTED)_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/;

// Codes of sender/access.ts.
const AUTH_PROBLEMS = new Map<string, AttemptProblem>([
  ['OAUTH_TOKEN_TIMEOUT', 'token_timeout'],
  ['OAUTH_TOKEN_UNREACHABLE', 'token_unreachable'],
  ['OAUTH_TOKEN_URL_BLOCKED', 'token_url_blocked'],
  ['OAUTH_CLIENT_REFUSED', 'token_client_refused'],
  ['OAUTH_SERVER_ERROR', 'token_server_error'],
  ['OAUTH_RESPONSE_INVALID', 'token_response_invalid'],
  ['CLIENT_CERTIFICATE_EXPIRED', 'client_certificate_expired'],
  ['CLIENT_CERTIFICATE_INVALID', 'client_certificate_invalid'],
  ['CLIENT_CERTIFICATE_NEEDS_HTTPS', 'client_certificate_needs_https'],
]);

// Codes of OpenSSL's X509_verify_cert, and Node's own for a wrong host name.
const CERTIFICATE_PROBLEMS = new Map<string, AttemptProblem>([
  ['CERT_HAS_EXPIRED', 'certificate_expired'],
  ['CERT_NOT_YET_VALID', 'certificate_not_yet_valid'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate_name'],
  ['HOSTNAME_MISMATCH', 'certificate_name'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate_self_signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate_private_authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate_chain'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'certificate_chain'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate_chain'],
  ['CERT_REVOKED', 'certificate_revoked'],
]);
