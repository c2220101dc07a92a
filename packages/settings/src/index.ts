export {
  QUEUE_SETTINGS,
  type Setting,
  type SettingName,
  settingNames,
  settings,
  TELEMETRY_SETTINGS,
} from './settings.js';
export { type EmailSettings, readEmailSettings } from './email.js';
export { type EffectiveSetting, effectiveSettings } from './effective-settings.js';
export { type LocalSettings, readEnv, type Settings, SettingsError, unknownNames } from './read-env.js';
export { renderEnvExample } from './render.js';
export { readTelemetrySettings } from './telemetry.js';
