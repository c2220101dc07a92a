import { z } from 'zod';

export const HealthCheck = z.object({
  status: z.enum(['ok', 'fail']).describe('`ok`: the check passed.'),
  latencyMs: z.number().optional().describe('How long the check took, in milliseconds.'),
  reason: z.string().optional().describe('Why the check failed.'),
  lagSeconds: z
    .number()
    .optional()
    .describe('For `readReplica`: how far it lags behind its primary, in seconds. Absent: unknown.'),
  alive: z.int().optional().describe('For `workers`: how many are alive.'),
  oldestSeconds: z
    .number()
    .optional()
    .describe(
      'For `queue` and `deliveries`: how long the oldest job or delivery has waited for a worker, in seconds. Absent: none waits.',
    ),
});
export type HealthCheck = z.infer<typeof HealthCheck>;

export const Health = z
  .object({
    status: z
      .enum(['ok', 'degraded', 'fail'])
      .describe('`degraded`: the API accepts events, but deliveries are delayed.'),
    version: z.string().describe('The version of Posthorn.'),
    app: z.literal('api').describe('The kind of this process.'),
    checks: z.record(z.string(), HealthCheck).describe('The checks, by name.'),
  })
  .meta({ id: 'Health' });
export type Health = z.infer<typeof Health>;
