import { describe, expect, it } from 'vitest';
import { effectiveSettings } from './effective-settings.js';
import { type Setting, settingNames, settings } from './settings.js';

const secrets = settingNames.filter((name) => (settings[name] as Setting).secret);

describe('effectiveSettings', () => {
  it('tells what was set, and the default of what was not; an empty variable is not set', () => {
    const [port, level, proxies, url] = effectiveSettings({ API_PORT: '80', LOG_LEVEL: '' }, [
      'API_PORT',
      'LOG_LEVEL',
      'TRUSTED_PROXIES',
      'PUBLIC_URL',
    ]);
    expect(port).toMatchObject({ name: 'API_PORT', value: '80', default: '3400', isSet: true, isSecret: false });
    expect(level).toMatchObject({ value: 'info', isSet: false });
    expect(proxies).toMatchObject({ value: null, default: null, isSet: false });
    expect(url).toMatchObject({ value: null, isSet: false });
    expect(port?.description).toBe(settings.API_PORT.description);
  });

  it('tells of a secret whether it is set, in a variable or in a file, and nothing of its value', () => {
    const env = Object.fromEntries(secrets.map((name) => [name, `hush-${name}`]));
    const told = effectiveSettings(env, settingNames);
    expect(JSON.stringify(told)).not.toContain('hush');
    expect(told.filter(({ isSecret }) => isSecret).map(({ name, isSet }) => [name, isSet])).toEqual(
      secrets.map((name) => [name, true]),
    );
    const [byFile] = effectiveSettings({ POSTHORN_OPERATOR_KEY_FILE: '/run/hush' }, ['POSTHORN_OPERATOR_KEY']);
    expect(byFile).toMatchObject({ value: null, isSet: true });
    expect(effectiveSettings({}, secrets).some(({ isSet }) => isSet)).toBe(false);
  });
});
