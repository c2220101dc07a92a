import { Agent, request } from 'undici';
import { newPayload } from './load.js';

/** The second ceiling: only posts this many bodies to a URL, 200 at once. Both are arguments. */
const [url = '', events = '0'] = process.argv.slice(2);
const dispatcher = new Agent({ keepAliveTimeout: 4_000 });
let next = 0;
process.on('message', () => {
  for (let started = 0; started < 200; started += 1) void post();
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');

async function post(): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  while (next < Number(events)) {
    const { body } = await request(url, { method: 'POST', headers, body: newPayload(next++), dispatcher });
    await body.dump();
  }
}
