import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { EdgeVM } from '@edge-runtime/vm';
import { sign } from '@posthorn/sender';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';

const SOURCES = new URL('../', import.meta.url);

/** One file with all dependencies, minified, as a bundler for edge runtimes makes it. Fails on an import that it cannot include. */
async function bundle(entry: string, format: 'es' | 'iife' = 'es'): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL(entry, SOURCES)),
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
  it('of the client has at most 10 kB, gzipped', async () => {
    expect(gzipSync(await bundle('index.ts')).length).toBeLessThanOrEqual(10_000);
  });

  const entries = readdirSync(new URL('.', import.meta.url)).filter((file) =>
    /^(index|express|fastify|hono|next)\.ts$/.test(file),
  );
  it.each(entries)('of webhooks/%s imports nothing and has at most 6 kB, gzipped', async (file) => {
    const code = await bundle(`webhooks/${file}`);
    expect(code).not.toMatch(/\bnode:|\brequire\(/);
    expect(gzipSync(code).length).toBeLessThanOrEqual(6_000);
  });

  it('verifies and answers in an edge runtime, which has no API of Node', async () => {
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
    vm.evaluate(await bundle('webhooks/index.ts', 'iife'));
    const statuses = await vm.evaluate<Promise<unknown>>(`(async () => {
      const seen = [];
      const handle = bundled.handleWebhook({ secret: '${secret}', on: { 'message:created': ({ payload }) => void seen.push(payload.body) } });
      const post = (headers, body) => handle(new Request('https://app.example/webhook', { method: 'POST', headers, body }));
      const [good, forged] = [await post(${JSON.stringify(headers)}, ${JSON.stringify(body)}), await post({}, ${JSON.stringify(body)})];
      return JSON.stringify([good.status, forged.status, seen]);
    })()`);
    expect(JSON.parse(String(statuses))).toEqual([204, 401, ['Grüße 👋']]);
  });
});
