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
        summary: 'Get the settings and the health of the API',
        description:
          'Returns each setting with its description, value and default; for a secret, only whether it is set. Settings are ' +
          'environment variables that the process reads at startup; this API cannot change them.',
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
