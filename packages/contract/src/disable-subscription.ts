import { z } from 'zod';

export const DisableSubscription = z
  .strictObject({
    deliveries: z
      .enum(['cancel', 'hold'], 'must be cancel or hold')
      .optional()
      .describe(
        'What happens to pending deliveries. `cancel`: they are canceled · `hold`: they wait until the subscription is resumed. ' +
          'Default: `cancel`, or the previous choice if the subscription is already disabled.',
      ),
  })
  .meta({ id: 'DisableSubscription', examples: [{ deliveries: 'hold' }] });
export type DisableSubscription = z.infer<typeof DisableSubscription>;
