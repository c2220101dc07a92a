import { type EffectiveSetting, type Setting, type SettingName, settings } from '@posthorn/settings';
import { type Mask, partsOfUrl } from './open-mask.js';

export interface MaskedSetting {
  name: string;
  isSet: boolean;
  /** Numbers, choices and defaults as they are; other values hashed. null: unset, or a secret. */
  value: string | null;
}

/** Returns settings without secrets and without what names machines, networks or people. */
export function maskSettings(
  found: readonly Pick<EffectiveSetting, 'name' | 'value' | 'default' | 'isSet' | 'isSecret'>[],
  mask: Mask,
): MaskedSetting[] {
  return found.map(({ name, value, default: standard, isSet, isSecret }) => ({
    name,
    isSet,
    value: value === null || isSecret ? null : value === standard || isPlain(name, value) ? value : mask.hash(value),
  }));
}

/** Numbers, lists of numbers, and choices among words of ours. */
const isPlain = (name: string, value: string): boolean =>
  /^\d+(\.\d+)?(,\s*\d+(\.\d+)?)*$/.test(value) || /^(true|false)$/.test(value) || choicesOf(name).includes(value);

function choicesOf(name: string): readonly unknown[] {
  const setting = Object.hasOwn(settings, name) ? (settings[name as SettingName] as Setting) : undefined;
  const { options } = (setting?.schema ?? {}) as { options?: readonly unknown[] };
  return Array.isArray(options) ? options : [];
}

/** Returns the values of the environment that must not be in a bundle: those of secrets, of their files, and of other settings that are not plain,
 *  with the parts of URLs. */
export function hiddenValues(env: NodeJS.ProcessEnv): string[] {
  return Object.entries<Setting>(settings).flatMap(([name, setting]) => {
    const value = env[name];
    const file = env[`${name}_FILE`];
    if (setting.secret)
      return [value, file].flatMap((one) => (one ? [one, ...one.split(','), ...partsOfUrl(one)] : []));
    return value && value !== setting.default && !isPlain(name, value)
      ? [value, ...value.split(',').flatMap(partsOfUrl)]
      : [];
  });
}
