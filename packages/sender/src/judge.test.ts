import { describe, expect, it } from 'vitest';
import { ConnectFailure } from './connect-failure.js';
import { Exchange } from './exchange.js';
import { judge } from './judge.js';

describe('judge', () => {
  it.each(['EMFILE', 'ENFILE'])(
    'throws if this machine has no file descriptors left (%s): the attempt must not count',
    async (code) => {
      const failure = new ConnectFailure('connect_error', code);
      await expect(judge({ how: 'failed', error: failure }, circumstances())).rejects.toBe(failure);
    },
  );

  it('throws for an error before anything was sent that is not a failure to connect: a bug', async () => {
    const bug = Object.assign(new Error('invalid header'), { code: 'UND_ERR_INVALID_ARG' });
    await expect(judge({ how: 'failed', error: bug }, circumstances())).rejects.toBe(bug);
  });
});

function circumstances() {
  const exchange = new Exchange({ timeoutMs: 0, keepBytes: 0, signal: undefined });
  return {
    host: 'hooks.example.com',
    isHttps: true,
    presentsCertificate: false,
    timeoutMs: 15_000,
    connectTimeoutMs: 5_000,
    exchange,
  };
}
