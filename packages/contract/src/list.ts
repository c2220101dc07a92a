import { z } from 'zod';
import { text } from './text.js';

export const ListQuery = z.strictObject({
  limit: z.coerce
    .number('must be a number from 1 to 100')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(100, 'must be at most 100')
    .default(25)
    .describe('Rows per page, 1 to 100.'),
  cursor: text(1, 1_000).optional().describe('The `nextCursor` of the previous page. Default: the first page.'),
});

/** A search by the beginning of a text. `what`: the texts of a row that are searched. */
export const prefixSearch = (what: string) =>
  text(1, 2048).describe(
    `Only rows whose ${what} begins with this text (case-insensitive). They are sorted by that text instead of newest first. ` +
      'A page may have fewer rows than `limit`: there are more while `nextCursor` is not null.',
  );

/** Another order of a list. `orders`: which rows come first, by the name of the order. */
export const listOrder = <Name extends string>(orders: Record<Name, string>) => {
  const names = Object.keys(orders) as Name[];
  const texts = names.map((name) => `\`${name}\`: ${orders[name]}`);
  return z
    .enum(names, `must be ${names.join(' or ')}; omit it for newest first`)
    .describe(
      `${texts.join(' · ')}. While deliveries are sent, a row may move to another page. Not together with \`q\`. Default: newest first.`,
    );
};

/** `others`: the order of the rows for which nothing waits. */
export const longestWaiting = (others: string): string =>
  `rows whose oldest delivery has waited longest come first, then those without waiting deliveries, ${others}`;

/** `rows`: what is listed. */
export const lowestSuccess = (others: string, rows: string): string =>
  `rows with the lowest success rate of the last 24 hours come first, then those without attempts, ${others}. ` +
  `Lists the newest 5,000 ${rows}: see \`sortedNewest\``;

/** Of a list with the order `success`. */
export const sortedNewest = z
  .int()
  .optional()
  .describe(
    'Only with `sort=success`, and only if there are more rows: this many were sorted, the newest ones. The others are not listed.',
  );

/** A page, newest first. Paging returns every row exactly once, even while rows are added. */
export const listOf = <Item extends z.ZodType>(item: Item, id: string) =>
  z
    .object({
      data: z.array(item).describe('Newest first.'),
      nextCursor: z.string().nullable().describe('Opaque: pass it as `?cursor=`. null: this is the last page.'),
    })
    .meta({ id });

/** The header `Posthorn-Read-Lag-Seconds` of lists and statistics that come from a read replica. */
export const ReadLagSeconds = z
  .number()
  .min(0)
  .describe(
    'How many seconds the read replica was behind. Absent: the response is from the primary database, or the lag is unknown.',
  )
  .meta({ examples: [0.4] });

/** Counting stops here, so that a count never reads millions of rows. */
export const MAX_COUNT = 10_000;

export const ListCount = z
  .object({
    count: z.int().describe(`The number of matching rows, at most ${MAX_COUNT}.`),
    more: z.boolean().describe('Whether more rows match than were counted.'),
  })
  .meta({ id: 'ListCount' });
export type ListCount = z.infer<typeof ListCount>;

/** A repeatable parameter: `?status=failed` or `?status=failed&status=pending`. */
export const oneOrMore = <Item extends z.ZodType<string, string>>(item: Item) =>
  z.union([item, z.array(item).min(1).max(50)]).transform((found) => (Array.isArray(found) ? found : [found]));
