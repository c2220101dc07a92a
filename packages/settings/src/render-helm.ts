import { z } from 'zod';
import { namesReadBy, type ProcessName } from './names-read-by.js';
import { type Setting, type SettingName, settings } from './settings.js';

const PROCESSES: ProcessName[] = ['api', 'worker', 'board', 'migrate'];

/** Read by the local stack only: a process in a cluster has a DATABASE_URL. */
const isInCluster = (name: SettingName): boolean => name !== 'POSTHORN_DATA_DIR';

const namesOf = (process: ProcessName): SettingName[] => namesReadBy(process).filter(isInCluster);
const isSecret = (name: SettingName): boolean => 'secret' in settings[name];

/** Returns files/settings.json of the Helm chart: which process reads which settings, and which are secret or required. */
export function renderHelmSettings(): string {
  const names = allNames();
  return toJson({
    processes: Object.fromEntries(PROCESSES.map((process) => [process, namesOf(process)])),
    secret: names.filter(isSecret),
    required: names.filter((name) => 'required' in settings[name]),
  });
}

/** Returns values.schema.json of the Helm chart with its definitions of settings generated again. */
export function withHelmSettings(schemaText: string): string {
  const schema = JSON.parse(schemaText) as { $defs: object };
  const common = allNames().filter((name) => !isSecret(name));
  const processes = PROCESSES.map((process): [string, object] => [
    `${process}Settings`,
    referring(
      namesOf(process).filter((name) => !isSecret(name)),
      '#/$defs/settings/properties/',
    ),
  ]);
  const secretNames = allNames().filter(isSecret);
  const $defs = {
    ...schema.$defs,
    settings: closed(Object.fromEntries(common.map((name) => [name, valueSchema(name)]))),
    ...Object.fromEntries(processes),
    secrets: closed(Object.fromEntries(secretNames.map((name) => [name, valueSchema(name)]))),
    secretRefs: closed(Object.fromEntries(secretNames.map((name) => [name, { $ref: '#/$defs/secretRef' }]))),
  };
  return toJson({ ...schema, $defs });
}

const allNames = (): SettingName[] => [...new Set(PROCESSES.flatMap(namesOf))];

const referring = (names: SettingName[], base: string): object =>
  closed(Object.fromEntries(names.map((name) => [name, { $ref: `${base}${name}` }])));

const closed = (properties: object): object => ({ type: 'object', additionalProperties: false, properties });

/** What a setting may be in values.yaml. YAML has numbers and booleans, the environment only texts. null and '' count as unset. */
function valueSchema(name: SettingName): object {
  const { schema, description }: Setting = settings[name];
  if (isSecret(name)) return { description, type: ['string', 'null'] }; // Helm's errors would repeat the value
  const { minimum, maximum, pattern, enum: choices } = z.toJSONSchema(schema, { io: 'input' });
  if (choices?.includes('true')) return { description, enum: [true, false, 'true', 'false', '', null] };
  if (choices) return { description, enum: [...choices, '', null] };
  const texts = { description, ...(pattern && { pattern: `^$|${pattern}` }) };
  if (minimum === undefined) return { ...texts, type: ['string', 'null'] };
  const isWhole = !pattern?.includes('.');
  const isPort = name.endsWith('_PORT'); // 0 picks a free port, which no probe would find
  return { ...texts, type: [isWhole ? 'integer' : 'number', 'string', 'null'], minimum: isPort ? 1 : minimum, maximum };
}

const toJson = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
