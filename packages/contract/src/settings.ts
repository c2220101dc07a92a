import { z } from 'zod';
import { Health } from './health.js';

export const Setting = z
  .object({
    name: z.string().describe('The environment variable.'),
    description: z.string().describe('What the setting does, in Markdown.'),
    value: z
      .string()
      .nullable()
      .describe('The effective value, written as in the environment. null: off, or a secret.'),
    default: z.string().nullable().describe('The default. null: none.'),
    isSet: z.boolean().describe('Whether the variable is set. If not, the default applies.'),
    isSecret: z.boolean().describe('Whether the value is secret and never returned.'),
  })
  .meta({ id: 'Setting', description: 'A setting that the API runs with.' });
export type Setting = z.infer<typeof Setting>;

export const Settings = z
  .object({
    version: z.string().describe('The version of Posthorn.'),
    health: Health.describe('The same as `/readyz`.'),
    settings: z.array(Setting).describe('The settings of this API process. Workers and Bull Board have their own.'),
  })
  .meta({ id: 'Settings', description: 'The settings that the API runs with, without secrets.' });
export type Settings = z.infer<typeof Settings>;
