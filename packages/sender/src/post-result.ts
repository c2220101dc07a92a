/** How one POST ended.
 *  ok             2xx, whatever the body
 *  redirect       3xx, 304 included; nothing is followed
 *  http_error     any other status
 *  timeout        no connection, no response, or an unfinished response in time
 *  dns_error      the name has no address, or no name server responded in time
 *  connect_error  refused, unreachable, or closed before the response started
 *  tls_error      certificate or protocol
 *  auth_error     the subscription's authentication failed before the request, so nothing was sent to the endpoint
 *  blocked        the URL, or an address it resolves to, is not allowed
 *  bad_response   not HTTP, oversized headers, 101, or a response that ends within its headers
 *  aborted        the caller's signal fired */
export type Outcome =
  | 'ok'
  | 'http_error'
  | 'redirect'
  | 'timeout'
  | 'dns_error'
  | 'connect_error'
  | 'tls_error'
  | 'auth_error'
  | 'blocked'
  | 'bad_response'
  | 'aborted';

/** Whole milliseconds. The first three are null on a kept-open connection. A phase that was not needed or not
 *  reached is null. */
export type Timings = {
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  firstByteMs: number | null;
};

/** What shownRequestHeaders needs to know about a request. Contains no secrets. */
export type SentRequest = {
  userAgent: string;
  bodyBytes: number;
  signatureCount: number;
  /** Names of the subscription's custom headers, in lower case. */
  ownNames: string[];
};

export type PostResult = {
  outcome: Outcome;
  /** The final status if its headers are complete, so also for a timeout within the body. */
  statusCode: number | null;
  startedAt: Date;
  durationMs: number;
  timings: Timings;
  /** The address of the connection; null if blocked. */
  remoteAddress: string | null;
  /** null: no request was made, because the URL is not allowed or the authentication failed. */
  request: SentRequest | null;
  /** Values without surrounding white space, as UTF-8 or else latin1. Repeated values are joined with a comma;
   *  cookies and credentials are masked. null without a final response. */
  responseHeaders: Record<string, string> | null;
  /** The beginning of the body, decompressed if necessary. */
  body: Uint8Array;
  /** True if the body had more than was kept, or broke off. */
  bodyTruncated: boolean;
  /** True if the body exceeded MAX_BODY_BYTES; reading stopped there. */
  bodyTooLarge: boolean;
  /** The header's value; null if absent or repeated with another value. */
  retryAfter: string | null;
  /** The code of the system, of OpenSSL, of the resolver or of the HTTP parser, such as ECONNREFUSED or CERT_HAS_EXPIRED;
   *  for `auth_error`, an AuthCode; for a 401 to an access token, TOKEN_REJECTED. null: no code. */
  errorCode: string | null;
  /** A message for the endpoint's developer, with what to do; null for `ok`. Never contains a resolved address. */
  error: string | null;
};
