import * as z from 'zod/mini';

// The content security policy forbids the code that zod would generate for speed. Must come before the first schema.
z.config({ jitless: true });

// Fields that the addresses of several screens share. zod/mini, because the routes are part of the first load.

/** A value that is not valid is dropped, so an old or mistyped link still opens its screen. */
export const optionalText = z.catch(z.optional(z.string()), undefined);

/** A text that may look like a number: the router reads `statusCode=503` as one. */
export const typedText = z.catch(
  z.optional(
    z.pipe(
      z.union([z.string(), z.number()]),
      z.transform((value) => String(value)),
    ),
  ),
  undefined,
);

/** `range` moves with the time (`24h`); `from` and `to` are fixed. */
export const rangeFields = { range: optionalText, from: optionalText, to: optionalText };

export const pageFields = { cursor: optionalText };

export const PAGE_SIZES = [25, 50, 100] as const;

export const sizedPageFields = { ...pageFields, limit: z.catch(z.optional(z.literal(PAGE_SIZES)), undefined) };

/** A list that can be sorted by numbers of its rows. */
export const sortField = { sort: z.catch(z.optional(z.enum(['success', 'waiting'])), undefined) };

/** The filters of a list of deliveries. */
export const deliveryFields = {
  ...sizedPageFields,
  ...rangeFields,
  q: typedText,
  status: optionalText,
  outcome: optionalText,
  statusCode: typedText,
  trigger: optionalText,
  eventType: optionalText,
  event: optionalText,
  replay: optionalText,
};

/** What to replay. */
export const replayFields = {
  ...rangeFields,
  which: z.catch(z.optional(z.enum(['failed', 'missed'])), undefined),
  q: typedText,
  status: optionalText,
  outcome: optionalText,
  statusCode: typedText,
  trigger: optionalText,
  eventType: optionalText,
  replay: optionalText,
};

const DeliverySearch = z.object(deliveryFields);
export type DeliverySearch = z.infer<typeof DeliverySearch>;
