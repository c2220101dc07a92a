/** How one POST ended.
 *  ok             2xx: the status decides, the body is only evidence
 *  redirect       3xx, 304 included; nothing is followed
 *  http_error     any other status
 *  timeout        no connection, no answer, or no end of the answer in time
 *  dns_error      the name has no address, or no name server said so in time
 *  connect_error  refused, unreachable, or closed before the answer began
 *  tls_error      certificate or protocol
 *  blocked        the URL, or where it leads, is not allowed
 *  bad_response   no HTTP, oversized headers, 101, or an answer cut off within its headers
 *  aborted        the caller's signal */
export type Outcome =
  | 'ok'
  | 'http_error'
  | 'redirect'
  | 'timeout'
  | 'dns_error'
  | 'connect_error'
  | 'tls_error'
  | 'blocked'
  | 'bad_response'
  | 'aborted';

/** Whole milliseconds. The first three are null on a connection that was kept open, and for a phase that was not needed or not reached. */
export type Timings = {
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  firstByteMs: number | null;
};

/** What shownRequestHeaders cannot know from elsewhere. Holds no secret. */
export type SentRequest = {
  userAgent: string;
  bodyBytes: number;
  signatureCount: number;
  /** Names of the subscription's own headers, in lower case. */
  ownNames: string[];
};

export type PostResult = {
  outcome: Outcome;
  /** The final status, whenever its headers came in full, so a timeout within the body has one too. */
  statusCode: number | null;
  startedAt: Date;
  durationMs: number;
  timings: Timings;
  /** The address that was connected to; null when blocked. */
  remoteAddress: string | null;
  /** null: the URL is not allowed, so there was no request. */
  request: SentRequest | null;
  /** Values without the white space around them, as UTF-8 or else latin1; repeated ones joined with a comma, cookies and
   *  credentials masked. null when there was no final response. */
  responseHeaders: Record<string, string> | null;
  /** The beginning of the body, decompressed if need be. */
  body: Uint8Array;
  /** True when the body had more than was kept, or broke off. */
  bodyTruncated: boolean;
  /** True when more than MAX_BODY_BYTES came; reading stopped there. */
  bodyTooLarge: boolean;
  /** The header's value; null if absent, or repeated with another value. */
  retryAfter: string | null;
  /** One sentence for the receiver's developer, with what to do; null when ok. Never holds an address that was looked up. */
  error: string | null;
};
