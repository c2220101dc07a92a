import { z } from 'zod';
import { Health } from './health.js';

export const Setting = z
  .object({
    name: z.string().describe('The environment variable.'),
    description: z.string().describe('What it does, Markdown.'),
    value: z
      .string()
      .nullable()
      .describe('What holds, as the variable would be written. null: it is off, or a secret.'),
    default: z.string().nullable().describe('What holds where it is not set. null: nothing does.'),
    isSet: z.boolean().describe('It was set; otherwise the default holds.'),
    isSecret: z.boolean().describe('Its value is never told.'),
  })
  .meta({ id: 'Setting', description: 'A setting that the API runs with.' });
export type Setting = z.infer<typeof Setting>;

export const Settings = z
  .object({
    version: z.string().describe('What runs here.'),
    health: Health.describe('As `/readyz` says.'),
    settings: z.array(Setting).describe('Those that this process reads; workers and Bull Board read their own.'),
  })
  .meta({ id: 'Settings', description: 'What the API runs with. No secret, nor a part of one.' });
export type Settings = z.infer<typeof Settings>;
