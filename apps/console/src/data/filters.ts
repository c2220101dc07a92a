import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ListSearch } from '../router.js';
import { boundsOf, type Range } from './range.js';

/** A list's address with one filter set to something else, or ('') taken away; from its first page on. */
export const withFilter = (search: ListSearch, name: keyof ListSearch, value: string): ListSearch =>
  Object.fromEntries(Object.entries({ ...search, cursor: '', [name]: value }).filter(([, text]) => text));

/** The filters of a list, which live in its address. */
export function useFilters() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  return {
    search,
    isSet: Object.entries(search).some(([name, value]) => name !== 'cursor' && value !== undefined),
    set: (name: keyof ListSearch, value: string) => void navigate({ to: '.', search: withFilter(search, name, value) }),
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
