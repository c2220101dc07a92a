import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = Buffer.from((process.env.WEBHOOK_SECRET ?? '').replace('whsec_', ''), 'base64');
if (secret.length === 0) throw new Error('Set WEBHOOK_SECRET.');

function hasValidSignature(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  const isRecent = Math.abs(Date.now() / 1000 - Number(timestamp)) < 300;
  const digest = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('base64');
  const expected = Buffer.from(`v1,${digest}`);
  const isExpected = (one) => one.length === expected.length && timingSafeEqual(one, expected);
  return isRecent && signatures.split(' ').some((one) => isExpected(Buffer.from(one)));
}

createServer(async (request, response) => {
  try {
    const body = Buffer.concat(await request.toArray()); // the raw bytes: the signature covers them
    if (!hasValidSignature(request.headers, body)) return response.writeHead(401).end();
    const { event, payload } = JSON.parse(body);
    if (event === 'webhook:verify') return response.end(payload); // the handshake
    console.log(event, payload); // your code, after the response if it takes long
    response.end();
  } catch (error) {
    console.error(error);
    response.destroy();
  }
}).listen(process.env.PORT ?? 3000);
