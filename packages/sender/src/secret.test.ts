import { describe, expect, it } from 'vitest';
import { parseSecret } from './secret.js';

describe('parseSecret', () => {
  it.each([
    ['no prefix, no base64', 'w'],
    ['no base64', 'whsec_%'],
    ['unpadded, 8 bytes', 'whsec_wronglength'],
    ['wrong prefix', 'hwsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'],
    ['a public key', 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='],
    [
      'a cut-off private key',
      'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kv',
    ],
    [
      '81 bytes',
      'whsec_V09IYXZUaFJoSnFobnpJQkpPMXdpdGFNWnJsRzAxdXZCeTVndVpwRmxSSXFsc0oyYzBTRWRUekJhYnlaZ0JSRGNPQ3BGZG1xYjFVVmRGQ3UK',
    ],
    ['23 bytes', 'whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE='],
    ['nothing after the prefix', 'whsec_'],
    ['URL-safe letters', `whsec_${Buffer.alloc(24, 0xff).toString('base64url')}`],
    ['a line break at the end', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n'],
    ['bits left over: not the canonical spelling', 'whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF='],
    ['missing padding', `whsec_${Buffer.alloc(25, 1).toString('base64').replaceAll('=', '')}`],
  ])('rejects %s and does not repeat it', (_why, secret) => {
    expect(() => parseSecret(secret)).toThrow(/signing secret/);
    expect(() => parseSecret(secret)).not.toThrow(secret.length > 6 ? secret : '\0');
  });

  it.each([
    ['24 bytes, the minimum', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 24],
    ['24 bytes with a plus', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', 24],
    [
      '64 bytes, the maximum',
      'whsec_TUdfVE5UMnZlci1TeWxOYXQtX1ZlTW1kLTRtMFdhYmEwanIxdHJvenRCbmlTQ2hFdzBnbHhFbWdFaTJLdzQwSA==',
      64,
    ],
  ])('accepts %s', (_what, secret, bytes) => {
    expect(parseSecret(secret)).toHaveLength(bytes);
  });
});
