import { describe, expect, it } from 'vitest';
import { effectiveSettings } from './effective-settings.js';
import { type Setting, settingNames, settings } from './settings.js';

const secrets = settingNames.filter((name) => (settings[name] as Setting).secret);

describe('effectiveSettings', () => {
  it('returns the value of a set variable and the default of an unset or empty one', () => {
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

  it('returns whether a secret is set, in a variable or a file, and never its value', () => {
    const env = Object.fromEntries(secrets.map((name) => [name, `hush-${name}`]));
    const effective = effectiveSettings(env, settingNames);
    expect(JSON.stringify(effective)).not.toContain('hush');
    expect(effective.filter(({ isSecret }) => isSecret).map(({ name, isSet }) => [name, isSet])).toEqual(
      secrets.map((name) => [name, true]),
    );
    const [byFile] = effectiveSettings({ POSTHORN_OPERATOR_KEY_FILE: '/run/hush' }, ['POSTHORN_OPERATOR_KEY']);
    expect(byFile).toMatchObject({ value: null, isSet: true });
    expect(effectiveSettings({}, secrets).some(({ isSet }) => isSet)).toBe(false);
  });
});
