import { type ReactNode, useEffect } from 'react';
import { PAGE_SIZES } from '../search.js';
import type { Paging } from './paging.js';
import { Select } from './select.js';
import './page.css';

/** The head of a screen: its title, a sentence about it, and its primary button. */
export function PageHead({
  title,
  note,
  action,
  heading: Heading = 'h1',
}: {
  title: ReactNode;
  note?: ReactNode;
  action?: ReactNode;
  heading?: 'h1' | 'h2';
}) {
  return (
    <div className="page-head">
      <div className="title stack tight">
        <Heading>{title}</Heading>
        {note && <p className="muted">{note}</p>}
      </div>
      {action && <div className="row">{action}</div>}
    </div>
  );
}

/** Sets the title of the browser's tab, most specific part first. */
export function useTitle(...parts: (string | null | undefined)[]): void {
  const title = [...parts.filter(Boolean), 'Posthorn'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}

export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const [DEFAULT_SIZE] = PAGE_SIZES;

export function Pager({
  paging: { cursor, onGo, size, isSearch = false },
  nextCursor,
  children,
}: {
  paging: Paging;
  nextCursor: string | null;
  /** Facts about all pages, such as their total. */
  children?: ReactNode;
}) {
  if (cursor === undefined && nextCursor === null && (size?.value ?? DEFAULT_SIZE) === DEFAULT_SIZE) return null;
  return (
    <nav className="pager" aria-label="Pages">
      <button type="button" className="button" disabled={cursor === undefined} onClick={() => onGo(undefined)}>
        {isSearch ? 'First page' : 'Newest'}
      </button>
      {size && (
        <Select
          label="Rows"
          value={String(size.value ?? DEFAULT_SIZE)}
          onChange={(value) => size.onChange(Number(value))}
          isRequired
        >
          {PAGE_SIZES.map((one) => [String(one), `${one} per page`])}
        </Select>
      )}
      {children}
      <button
        type="button"
        className="button"
        disabled={nextCursor === null}
        onClick={() => onGo(nextCursor ?? undefined)}
      >
        {isSearch ? 'Next page' : 'Older'}
      </button>
    </nav>
  );
}
