import { z } from 'zod';

export const DisableSubscription = z
  .strictObject({
    deliveries: z
      .enum(['cancel', 'hold'], 'must be cancel or hold')
      .optional()
      .describe(
        'What becomes of the deliveries it is owed. `cancel`: they are canceled · `hold`: they wait until it is resumed. ' +
          'Absent: `cancel`; of a subscription that is disabled already, what was chosen before.',
      ),
  })
  .meta({ id: 'DisableSubscription', examples: [{ deliveries: 'hold' }] });
export type DisableSubscription = z.infer<typeof DisableSubscription>;
