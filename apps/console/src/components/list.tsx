import type { UseQueryResult } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Button } from './button.js';
import { Pager } from './page.js';
import { Empty, Loaded } from './states.js';
import { Time } from './time.js';

/** A list in pages, each at an address of its own: its states, its rows as a table, and the way to the other pages. */
export function List<Row>({
  query,
  what,
  empty,
  onClear,
  hasSizes = false,
  total,
  children,
}: {
  query: UseQueryResult<{ data: Row[]; nextCursor: string | null; searchedBackTo?: string | null }>;
  what: string;
  /** In place of a list without rows. */
  empty: ReactNode;
  /** Takes the filters away; without: none are set. */
  onClear?: (() => void) | undefined;
  /** How many rows a page has can be chosen. */
  hasSizes?: boolean;
  /** What is told of all pages. */
  total?: ReactNode;
  children: (rows: Row[]) => ReactNode;
}) {
  const { cursor, ...filters } = useSearch({ strict: false });
  const navigate = useNavigate();
  const go = (next: string | null | undefined) =>
    void navigate({ to: '.', search: next == null ? filters : { ...filters, cursor: next } });
  return (
    <Loaded query={query} what={what}>
      {({ data, nextCursor, searchedBackTo = null }) =>
        data.length > 0 || (cursor !== undefined && onClear === undefined) ? (
          <>
            {children(data)}
            <Pager
              cursor={cursor}
              nextCursor={nextCursor}
              onGo={go}
              size={
                hasSizes
                  ? {
                      value: filters.limit,
                      onChange: (limit) => void navigate({ to: '.', search: { ...filters, limit } }),
                    }
                  : undefined
              }
            >
              {total}
              {searchedBackTo !== null && (
                <span className="muted small">
                  Searched back to <Time at={searchedBackTo} />
                </span>
              )}
            </Pager>
          </>
        ) : onClear && searchedBackTo !== null ? (
          <Empty
            title={`No ${what} match these filters so far`}
            act={
              <>
                <Button onClick={() => go(nextCursor)}>Search further</Button>
                <Button look="plain" onClick={onClear}>
                  Clear filters
                </Button>
              </>
            }
          >
            Searched back to <Time at={searchedBackTo} />.
          </Empty>
        ) : onClear ? (
          <Empty title={`No ${what} match these filters`} act={<Button onClick={onClear}>Clear filters</Button>} />
        ) : (
          empty
        )
      }
    </Loaded>
  );
}
