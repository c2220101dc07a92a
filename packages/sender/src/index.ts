export { type Access, type AuthCode, type Authentication, TOKEN_REJECTED } from './access.js';
export { readAddressPolicy, type AddressPolicy } from './address-policy.js';
export {
  checkAuthorities,
  type CheckClientCertificate,
  checkClientCertificate,
  factsOf,
  readCertificates,
} from './certificates.js';
export {
  checkHeaders,
  MAX_HEADER_NAME_CHARACTERS,
  MAX_HEADER_VALUE_CHARACTERS,
  MAX_OWN_HEADERS,
  type HeadersCheck,
} from './check-headers.js';
export { readAuthoritiesFile } from './authorities-file.js';
export { checkUrl, MAX_URL_CHARACTERS, type UrlCheck } from './check-url.js';
export { MAX_BODY_BYTES } from './exchange.js';
export { DEFAULT_KEEP_BYTES, type PostRequest } from './post.js';
export type { Outcome, PostResult, SentRequest, Timings } from './post-result.js';
export type { Resolve } from './resolver.js';
export { parseSecret } from './secret.js';
export { openSender, type Sender, type SenderOptions } from './sender.js';
export { sign } from './sign.js';
export { shownRequestHeaders } from './wire-headers.js';
