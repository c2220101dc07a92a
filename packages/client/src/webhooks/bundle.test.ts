import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { EdgeVM } from '@edge-runtime/vm';
import { sign } from '@posthorn/sender';
import { openEndpoint } from '@posthorn/testing';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';

const SOURCES = new URL('../', import.meta.url);

/** One file with all dependencies, minified, as a bundler for edge runtimes makes it. It exports each file under its name. Fails on an
 *  import that it cannot include. */
async function bundle(files: Record<string, string>, format: 'es' | 'iife' = 'es'): Promise<string> {
  const code = Object.entries(files)
    .map(([name, file]) => `export * as ${name} from ${JSON.stringify(fileURLToPath(new URL(file, SOURCES)))};`)
    .join('\n');
  const build = await rolldown({
    input: 'entry',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? id : null),
        load: (id) => (id === 'entry' ? code : null),
      },
    ],
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'] },
    logLevel: 'silent',
  });
  const { output } = await build.generate({ format, name: 'bundled', minify: true });
  await build.close();
  const [chunk] = output;
  expect(output).toHaveLength(1);
  expect(chunk.imports).toEqual([]);
  return chunk.code;
}

describe('the bundle', () => {
  const helpers = Object.fromEntries(
    ['index', 'express', 'fastify', 'hono', 'next'].map((name) => [name, `webhooks/${name}.ts`]),
  );

  it('of the client together with all helpers has at most 10 kB, gzipped', async () => {
    expect(gzipSync(await bundle({ client: 'index.ts', ...helpers })).length).toBeLessThanOrEqual(10_000);
  });

  it.each(Object.entries(helpers))(
    'of webhooks/%s imports nothing and has at most 5 kB, gzipped',
    async (name, file) => {
      const code = await bundle({ [name]: file });
      expect(code).not.toMatch(/\bnode:|\brequire\(/);
      expect(gzipSync(code).length).toBeLessThanOrEqual(5_000);
    },
  );

  it('verifies events, responds and publishes in an edge runtime, which has no API of Node', async () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const body = '{"event":"message:created","payload":{"body":"Grüße 👋"}}';
    const at = Math.floor(Date.now() / 1000);
    const headers = {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(at),
      'webhook-signature': sign(secret, 'evt_1', at, Buffer.from(body)),
    };
    const vm = new EdgeVM();
    expect(vm.evaluate('typeof Buffer + typeof process')).toBe('undefinedundefined');
    vm.evaluate(await bundle({ client: 'index.ts', webhooks: 'webhooks/index.ts' }, 'iife'));
    const api = await openEndpoint();
    api.respondWith(503, {
      status: 202,
      headers: { 'content-type': 'application/json' },
      body: '{"id":"evt_9"}',
    });
    const result = await vm.evaluate<Promise<unknown>>(`(async () => {
      const seen = [];
      const handle = bundled.webhooks.handleWebhook({ secret: '${secret}', on: { 'message:created': ({ payload }) => void seen.push(payload.body) } });
      const post = (headers, body) => handle(new Request('https://app.example/webhook', { method: 'POST', headers, body }));
      const [good, forged] = [await post(${JSON.stringify(headers)}, ${JSON.stringify(body)}), await post({}, ${JSON.stringify(body)})];
      const posthorn = new bundled.client.Posthorn({ url: '${api.url}', apiKey: 'key' });
      const { id } = await posthorn.publish('acme', { event: 'message:created', payload: { body: 'Grüße' } });
      return JSON.stringify([good.status, forged.status, seen, id]);
    })()`);
    expect(JSON.parse(String(result))).toEqual([204, 401, ['Grüße 👋'], 'evt_9']);
    const keys = api.events.map((request) => request.headers['idempotency-key']);
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
    expect(String(api.events[1]?.rawBody)).toBe('{"event":"message:created","payload":{"body":"Grüße"}}');
    await api.close();
  });
});
