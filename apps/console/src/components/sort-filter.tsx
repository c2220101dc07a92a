import type { ReactNode } from 'react';
import { Select } from './select.js';
import { orderName, sortedRows, SORTS, type Sort, type Sorted } from './sort.js';

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

/** Says that a list that is sorted here does not have all rows. `children`: where to find what it may miss. */
export const SortedNote = ({ of, what, children }: { of: Sorted; what: string; children?: ReactNode }) => (
  <span className="muted small">
    Only {sortedRows(of, what)} are sorted.{children && <> {children}</>}
  </span>
);
