import { sign } from '@posthorn/sender';
import { expect, it } from 'vitest';
import { handleWebhook } from './next.js';

/** The class of Next. */
class NextRequest extends Request {}
/** The type of a route, as Next's type checker has it. */
type Route = (
  request: NextRequest,
  context: { params: Promise<Record<string, string>> },
) => Promise<Response | void> | Response | void;

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const CHALLENGE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Calls a route as Next 16 does: with a proxy of its request, and the parameters of the path. */
async function call(route: Route, body: string, headers: Record<string, string> = {}) {
  const request = new NextRequest('http://localhost:3000/webhook', { method: 'POST', body, headers });
  const get = (target: NextRequest, name: string | symbol) => {
    const value: unknown = Reflect.get(target, name, target);
    return typeof value === 'function' ? value.bind(target) : value;
  };
  const response = await route(new Proxy(request, { get }), { params: Promise.resolve({}) });
  if (!(response instanceof Response)) throw new Error('The route returned no response.');
  return [response.status, await response.text()];
}

it('is a route of Next, which passes the handshake and takes only signed events', async () => {
  const seen: unknown[] = [];
  const POST: Route = handleWebhook({
    secret: SECRET,
    on: { 'message:created': ({ payload }) => void seen.push(payload['body']) },
  });
  const body = '{"event":"message:created","payload":{"body":"Grüße"}}';
  const at = Math.floor(Date.now() / 1000);
  const signed = {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(at),
    'webhook-signature': sign(SECRET, 'evt_1', at, Buffer.from(body)),
  };
  expect(await call(POST, `{"event":"webhook:verify","payload":"${CHALLENGE}"}`)).toEqual([200, CHALLENGE]);
  expect(await call(POST, body, signed)).toEqual([204, '']);
  expect((await call(POST, body, { ...signed, 'webhook-id': 'evt_2' }))[0]).toBe(401);
  expect(seen).toEqual(['Grüße']);
});
