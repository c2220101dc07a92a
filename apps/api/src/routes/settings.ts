import { Settings } from '@posthorn/contract';
import type { Routes } from '../deps.js';
import { openHealth } from '../health.js';

export const settingRoutes: Routes<
  'db' | 'checkQueue' | 'systemMetrics' | 'probeMaxAgeMs' | 'isDraining' | 'version' | 'settings'
> = (app, deps) => {
  const readHealth = openHealth(deps);
  app.get(
    '/v1/settings',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'settings.get',
        summary: 'What the API runs with, and how it is',
        description:
          'Each setting with its value, its default and what it does; of a secret only whether it is set. Settings are ' +
          'environment variables and hold from the start of the process on: they cannot be changed here.',
        tags: ['Operations'],
        response: { 200: Settings },
      },
    },
    async (): Promise<Settings> => ({
      version: deps.version,
      health: await readHealth(),
      settings: deps.settings,
    }),
  );
};
