export { handleWebhook } from './fetch.js';
export { type WebhookOptions } from './respond.js';
export {
  type RawBody,
  readChallenge,
  type RequestHeaders,
  type Secret,
  type VerificationCode,
  verify,
  type WebhookEvent,
  type WebhookEventOf,
  WebhookVerificationError,
} from './verify.js';
