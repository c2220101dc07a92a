import { type ReactNode, useEffect } from 'react';

/** The head of a screen: where one is, a sentence, and the one primary button. */
export function PageHead({ title, note, act }: { title: ReactNode; note?: ReactNode; act?: ReactNode }) {
  return (
    <div className="page-head">
      <div className="title stack tight">
        <h1>{title}</h1>
        {note && <p className="muted">{note}</p>}
      </div>
      {act && <div className="row">{act}</div>}
    </div>
  );
}

/** The title of the browser's tab, from near to far. */
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

export function Pager({
  cursor,
  nextCursor,
  onGo,
}: {
  cursor: string | undefined;
  nextCursor: string | null;
  onGo: (cursor: string | undefined) => void;
}) {
  if (cursor === undefined && nextCursor === null) return null;
  return (
    <nav className="pager" aria-label="Pages">
      <button type="button" className="button" disabled={cursor === undefined} onClick={() => onGo(undefined)}>
        Newest
      </button>
      <button
        type="button"
        className="button"
        disabled={nextCursor === null}
        onClick={() => onGo(nextCursor ?? undefined)}
      >
        Older
      </button>
    </nav>
  );
}
