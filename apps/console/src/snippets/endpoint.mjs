import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = Buffer.from(process.env.WEBHOOK_SECRET.replace('whsec_', ''), 'base64');

function hasValidSignature(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  const isRecent = Math.abs(Date.now() / 1000 - Number(timestamp)) < 300;
  const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('base64');
  const isExpected = (one) =>
    one.length === expected.length + 3 && timingSafeEqual(Buffer.from(one), Buffer.from(`v1,${expected}`));
  return isRecent && signatures.split(' ').some(isExpected);
}

createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()); // the raw bytes: the signature covers them
  if (!hasValidSignature(request.headers, body)) return response.writeHead(401).end();
  const { event, payload } = JSON.parse(body);
  if (event === 'webhook:verify') return response.end(payload); // the handshake
  console.log(event, payload); // your code, after the response if it takes long
  response.end();
}).listen(process.env.PORT ?? 3000);
