import { boundsOf, type Range } from './range.js';

/** The fields of an address that are not filters: the page and the order of the list, what is open beside it, and what is compared. */
const NOT_FILTERS = new Set(['cursor', 'limit', 'sort', 'delivery', 'openEvent', 'compare', 'with']);

/** An address with filters changed, or ('') removed. It starts at the first page. */
export const withFilters = <S extends object>(search: S, changes: Partial<S>): S =>
  Object.fromEntries(Object.entries({ ...search, cursor: '', ...changes }).filter(([, value]) => value)) as S;

/** The filters of a list, which live in its address. `go` opens the same screen at another address. */
export const filtersOf = <S extends object>(search: S, go: (search: S) => void) => ({
  isSet: Object.entries(search).some(([name, value]) => !NOT_FILTERS.has(name) && value !== undefined),
  set: (changes: Partial<S>) => go(withFilters(search, changes)),
  clear: () => go({} as S),
});

/** The time range of a screen's statistics, which lives in its address. Default: the last 24 hours. */
export function rangeOf(search: Range, go: (range: Range) => void) {
  const isCustom = search.from !== undefined || search.to !== undefined;
  const range: Range = isCustom ? search : { range: search.range ?? '24h' };
  return {
    range,
    bounds: boundsOf(range),
    setRange: (next: Range) => go(Object.fromEntries(Object.entries(next).filter(([, text]) => text !== ''))),
  };
}
