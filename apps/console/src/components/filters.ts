import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ListSearch } from '../router.js';
import { boundsOf, type Range } from './range.js';

/** A list's address with filters set to something else, or ('') taken away; from its first page on. */
export const withFilters = (search: ListSearch, changes: ListSearch): ListSearch =>
  Object.fromEntries(Object.entries({ ...search, cursor: '', ...changes }).filter(([, text]) => text));

/** What an address says that is no filter: which page of the list it is, and what is open beside it. */
const NO_FILTERS = new Set(['cursor', 'limit', 'delivery']);

/** The filters of a list, which live in its address. */
export function useFilters() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  return {
    search,
    isSet: Object.entries(search).some(([name, value]) => !NO_FILTERS.has(name) && value !== undefined),
    set: (changes: ListSearch) => void navigate({ to: '.', search: withFilters(search, changes) }),
    clear: () => void navigate({ to: '.', search: {} }),
  };
}

/** The time that a screen's statistics are of, which lives in its address; the last 24 hours if it names none. */
export function useRange() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const isCustom = search.from !== undefined || search.to !== undefined;
  const range: Range = isCustom ? search : { range: search.range ?? '24h' };
  return {
    range,
    bounds: boundsOf(range),
    setRange: (next: Range) =>
      void navigate({
        to: '.',
        search: Object.fromEntries(Object.entries(next).filter(([, text]) => text !== '')),
        resetScroll: false,
      }),
  };
}
