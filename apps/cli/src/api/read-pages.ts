const MAX_PAGE = 100;

export interface Page<Row> {
  data: Row[];
  nextCursor: string | null;
}

export interface Wanted {
  /** Number of rows; Infinity: all. */
  limit: number;
  /** Where an earlier page ended. */
  cursor?: string | undefined;
}

/** Reads pages until it has `limit` rows. `nextCursor` continues exactly after the last row, which the client's `List` does not offer. */
export async function readPages<Row>(
  { limit, cursor }: Wanted,
  read: (page: { limit: number; cursor?: string }) => Promise<Page<Row>>,
): Promise<Page<Row>> {
  const data: Row[] = [];
  let nextCursor = cursor ?? null;
  do {
    const page = await read({
      limit: Math.min(MAX_PAGE, limit - data.length),
      ...(nextCursor !== null && { cursor: nextCursor }),
    });
    data.push(...page.data);
    ({ nextCursor } = page);
  } while (nextCursor !== null && data.length < limit);
  return { data, nextCursor };
}
