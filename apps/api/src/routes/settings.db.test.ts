import { effectiveSettings } from '@posthorn/settings';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestApi } from '../api.test-support.js';

const secret = 'postgres://posthorn:hush@db/posthorn';
const settings = effectiveSettings({ DATABASE_URL: secret, API_PORT: '8080' }, [
  'DATABASE_URL',
  'API_PORT',
  'LOG_LEVEL',
]);
const api = await openTestApi({ settings, version: '1.2.3' });
afterAll(() => api.close());

describe('GET /v1/settings', () => {
  it('returns the version, the health and each setting; for a secret, only whether it is set', async () => {
    const { json, text } = await api.call('GET', '/v1/settings');
    expect(json.version).toBe('1.2.3');
    expect(json.settings).toMatchObject([
      { name: 'DATABASE_URL', value: null, isSet: true, isSecret: true },
      { name: 'API_PORT', value: '8080', default: '3400', isSet: true, isSecret: false },
      { name: 'LOG_LEVEL', value: 'info', isSet: false },
    ]);
    expect(text).not.toContain('hush');
    const ready = (await api.call('GET', '/readyz', { key: null })).json;
    expect(json.health.status).toBe(ready.status);
    expect(Object.keys(json.health.checks)).toEqual(Object.keys(ready.checks));
  });

  it('is for operators only', async () => {
    const account = await api.account();
    for (const key of [await api.key(account), await api.portal(account)])
      expect((await api.call('GET', '/v1/settings', { key })).status).toBe(403);
  });
});
