import { type Setting, type SettingName, settings } from './settings.js';

/** A setting as it holds in a process, to be shown: of a secret only whether it is set. */
export interface EffectiveSetting {
  name: SettingName;
  description: string;
  /** As the variable would be written; null: off, or a secret. */
  value: string | null;
  default: string | null;
  isSet: boolean;
  isSecret: boolean;
}

/** The named settings as they hold, once readEnv has accepted them. An empty variable counts as unset; a secret may also come by
 *  its `<NAME>_FILE`. */
export function effectiveSettings(env: NodeJS.ProcessEnv, names: readonly SettingName[]): EffectiveSetting[] {
  return names.map((name) => {
    const setting: Setting = settings[name];
    const isSecret = setting.secret ?? false;
    const raw = env[name] || null;
    return {
      name,
      description: setting.description,
      value: isSecret ? null : (raw ?? (setting.default || null)),
      default: setting.default || null,
      isSet: raw !== null || (isSecret && Boolean(env[`${name}_FILE`])),
      isSecret,
    };
  });
}
