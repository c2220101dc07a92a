import { z } from 'zod';
import { text } from './text.js';

/** What every list takes. */
export const ListQuery = z.strictObject({
  limit: z.coerce
    .number('must be a number from 1 to 100')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(100, 'must be at most 100')
    .default(25)
    .describe('Rows per page, 1 to 100.'),
  cursor: text(1, 500).optional().describe('`nextCursor` of the page before. Absent: the first page.'),
});

/** A page: newest first, every row exactly once, also while rows arrive. */
export const listOf = <Item extends z.ZodType>(item: Item, id: string) =>
  z
    .object({
      data: z.array(item).describe('Newest first.'),
      nextCursor: z.string().nullable().describe('Opaque; for `?cursor=`. null: this is the last page.'),
    })
    .meta({ id });

/** A list is counted this far: a count that reads millions of rows helps nobody. */
export const MAX_COUNT = 10_000;

export const ListCount = z
  .object({
    count: z.int().describe(`How many rows match, ${MAX_COUNT} at most.`),
    more: z.boolean().describe('There are more than were counted.'),
  })
  .meta({ id: 'ListCount' });
export type ListCount = z.infer<typeof ListCount>;

/** `?status=failed` or `?status=failed&status=pending`: one or several of a kind. */
export const oneOrMore = <Item extends z.ZodType<string, string>>(item: Item) =>
  z.union([item, z.array(item).min(1).max(50)]).transform((found) => (Array.isArray(found) ? found : [found]));
