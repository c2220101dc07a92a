/** In `app/webhook/route.ts`: `export const POST = handleWebhook({ … })`. */
export { handleWebhook } from './fetch.js';
