import { z } from 'zod';

export const HealthCheck = z.object({
  status: z.enum(['ok', 'fail']).describe('Whether it is as it should be.'),
  latencyMs: z.number().optional().describe('How long the answer took, in milliseconds.'),
  reason: z.string().optional().describe('Why it is not `ok`, where that is not plain.'),
  lagSeconds: z.number().optional().describe('Of `readReplica`: how far it is behind its primary. Absent: unknown.'),
  alive: z.int().optional().describe('Of `workers`: how many take jobs.'),
  oldestSeconds: z
    .number()
    .optional()
    .describe('Of `queue` and `deliveries`: how long the oldest has waited that nobody takes. Absent: none waits.'),
});
export type HealthCheck = z.infer<typeof HealthCheck>;

export const Health = z
  .object({
    status: z.enum(['ok', 'degraded', 'fail']).describe('`degraded`: works, but deliveries come later.'),
    version: z.string().describe('What runs here.'),
    app: z.literal('api').describe('What this process is.'),
    checks: z.record(z.string(), HealthCheck).describe('By the name of what was checked.'),
  })
  .meta({ id: 'Health' });
export type Health = z.infer<typeof Health>;
