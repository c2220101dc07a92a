import type { ReactNode } from 'react';
import { Select } from './select.js';
import { orderName, sortedAmong, SORTS, type Sort, type Sorted } from './sort.js';

/** The order of a list. */
export function SortFilter({ of, onChange }: { of: Sorted; onChange: (value: Sort | undefined) => void }) {
  const unsorted = orderName({ ...of, sort: undefined });
  return (
    <Select
      label="Order"
      isRequired
      value={of.sort}
      onChange={(text) => onChange(text === '' ? undefined : (text as Sort))}
    >
      {[['', `${unsorted.charAt(0).toUpperCase()}${unsorted.slice(1)}`], ...Object.entries(SORTS)]}
    </Select>
  );
}

/** Says among which rows a page is sorted, unless it is all. `children`: where to find what it may miss. */
export function SortedNote({
  of,
  page,
  what,
  children,
}: {
  of: Sorted;
  page: Parameters<typeof sortedAmong>[1];
  what: string;
  children?: ReactNode;
}) {
  const rows = sortedAmong(of, page, what);
  if (rows === null) return null;
  return (
    <span className="muted small">
      Only {rows} are sorted.{children && <> {children}</>}
    </span>
  );
}
