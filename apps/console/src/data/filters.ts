import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ListSearch } from '../router.js';

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
