import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from './button.js';
import { Pager } from './page.js';
import type { Paging } from './paging.js';
import { Empty, Loaded } from './states.js';
import { Time } from './time.js';

/** A list in pages, each with its own address: its states, its rows as a table, and its pager. */
export function List<Row>({
  query,
  what,
  paging,
  empty,
  onClear,
  total,
  note,
  children,
}: {
  query: UseQueryResult<{ data: Row[]; nextCursor: string | null; searchedBackTo?: string | null }>;
  what: string;
  paging: Paging;
  /** Shown instead of a list without rows. */
  empty: ReactNode;
  /** Removes the filters. Absent while none is set. */
  onClear?: (() => void) | undefined;
  /** Facts about all pages. */
  total?: ReactNode;
  /** Why filters may match nothing. */
  note?: string | undefined;
  children: (rows: Row[]) => ReactNode;
}) {
  return (
    <Loaded query={query} what={what}>
      {({ data, nextCursor, searchedBackTo = null }) =>
        data.length > 0 || (paging.cursor !== undefined && onClear === undefined) ? (
          <>
            {children(data)}
            <Pager paging={paging} nextCursor={nextCursor}>
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
            action={
              <>
                <Button onClick={() => paging.onGo(nextCursor ?? undefined)}>Search further</Button>
                <Button look="plain" onClick={onClear}>
                  Clear filters
                </Button>
              </>
            }
          >
            Searched back to <Time at={searchedBackTo} />. {note}
          </Empty>
        ) : onClear ? (
          <Empty title={`No ${what} match these filters`} action={<Button onClick={onClear}>Clear filters</Button>}>
            {note}
          </Empty>
        ) : (
          empty
        )
      }
    </Loaded>
  );
}
