/** Where a list is: its page, and how it opens another. */
export interface Paging {
  cursor: string | undefined;
  /** Opens the page that starts at the cursor. Without one, the first page. */
  onGo: (cursor: string | undefined) => void;
  /** The rows are not in the order of time: they are the results of a search, or sorted otherwise. Default: false. */
  isSearch?: boolean;
  /** Only for lists with a choice of page sizes. */
  size?: { value: number | undefined; onChange: (size: number) => void };
}

interface PageSearch {
  cursor?: string | undefined;
}
interface SearchedPageSearch extends PageSearch {
  q?: string | undefined;
  sort?: string | undefined;
}
interface SizedPageSearch extends PageSearch {
  limit?: number | undefined;
}

/** `go` opens the same screen at another address. */
export const pagingOf = <S extends PageSearch>(search: S, go: (search: S) => void): Paging => ({
  cursor: search.cursor,
  onGo: (cursor) => go({ ...search, cursor }),
});

/** For a list whose `q` searches by prefix, and whose `sort` is another order. */
export const searchedPagingOf = <S extends SearchedPageSearch>(search: S, go: (search: S) => void): Paging => ({
  ...pagingOf(search, go),
  isSearch: search.q !== undefined || search.sort !== undefined,
});

export const sizedPagingOf = <S extends SizedPageSearch>(search: S, go: (search: S) => void): Paging => ({
  ...pagingOf(search, go),
  size: { value: search.limit, onChange: (limit) => go({ ...search, cursor: undefined, limit }) },
});
