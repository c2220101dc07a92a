import { type Setting, type SettingName, settings } from './settings.js';

/** A setting of a running process, for display. For a secret it only says whether it is set. */
export interface EffectiveSetting {
  name: SettingName;
  description: string;
  /** In the format of the variable. null: unset, or a secret. */
  value: string | null;
  default: string | null;
  isSet: boolean;
  isSecret: boolean;
}

/** Returns the named settings as the process uses them. Call readEnv first: this function does not validate.
 *  An empty variable counts as unset. A secret may also come from its `<NAME>_FILE`. */
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
