import type { ReactNode } from 'react';
import { Button } from './button.js';
import './filter-bar.css';

/** The filters of a list. */
export function FilterBar({
  label,
  onClear,
  children,
  end,
}: {
  label: string;
  /** Removes the filters. Absent while none is set. */
  onClear?: (() => void) | undefined;
  children: ReactNode;
  /** Controls that are not filters. */
  end?: ReactNode;
}) {
  return (
    <div className="filters" role="search" aria-label={label}>
      {children}
      {onClear && (
        <Button look="plain" onClick={onClear}>
          Clear filters
        </Button>
      )}
      {end}
    </div>
  );
}

/** A filter that a link has set and that only a click can remove. */
export function FilterChip({ onRemove, children }: { onRemove: () => void; children: ReactNode }) {
  return (
    <span className="chip">
      {children}
      <Button look="plain" size="tiny" onClick={onRemove}>
        Remove
      </Button>
    </span>
  );
}
