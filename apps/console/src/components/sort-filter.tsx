import { Select } from './select.js';
import { orderName, SORTED_ROWS, SORTS, type Sort, type Sorted } from './sort.js';

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

/** Says that a sorted list does not have all rows. */
export const SortedNote = ({ what }: { what: string }) => (
  <span className="muted small">
    Only the {SORTED_ROWS} {what} on this page are sorted
  </span>
);
