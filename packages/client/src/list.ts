interface Page<Item> {
  data: Item[];
  nextCursor: string | null;
}

/** Makes a list from a function that fetches one page. */
export function listOf<Query extends { cursor?: string }, OnePage extends Page<unknown>>(
  query: Query,
  fetchPage: (query: Query) => Promise<OnePage>,
): List<OnePage['data'][number], OnePage> {
  return new List((cursor) => fetchPage(cursor === undefined ? query : { ...query, cursor }));
}

/** A list of the API, newest first. Iterate over it: it fetches one page after the other.
 *
 *      for await (const delivery of posthorn.deliveries.list('acme', { status: 'failed' })) …
 */
export class List<Item, OnePage extends Page<Item> = Page<Item>> implements AsyncIterable<Item> {
  /** Fetches the page of a cursor. undefined: the first page, or that of the `cursor` in the query. */
  private readonly fetchPage: (cursor?: string) => Promise<OnePage>;

  constructor(fetchPage: (cursor?: string) => Promise<OnePage>) {
    this.fetchPage = fetchPage;
  }

  /** Fetches one page: the first, or that of the `cursor` in the query. */
  page(): Promise<OnePage> {
    return this.fetchPage();
  }

  /** Every page, fetched one after the other. */
  async *pages(): AsyncGenerator<OnePage, void> {
    let page = await this.fetchPage();
    yield page;
    while (page.nextCursor !== null) {
      page = await this.fetchPage(page.nextCursor);
      yield page;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    for await (const { data } of this.pages()) yield* data;
  }

  /** Returns the first items, at most `count`. */
  async take(count: number): Promise<Item[]> {
    const items: Item[] = [];
    if (count <= 0) return items;
    for await (const item of this) if (items.push(item) >= count) break;
    return items;
  }
}
