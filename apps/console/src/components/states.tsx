import type { UseQueryResult } from '@tanstack/react-query';
import { Link, useMatch } from '@tanstack/react-router';
import { CircleAlert, RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiProblem } from '../api/call.js';
import { Button } from './button.js';
import './banner.css';
import './states.css';

/** What is being loaded, in about its later size; only after a moment, so that nothing flashes. */
function Skeleton({ what, lines = 5 }: { what: string; lines?: number }) {
  return (
    <div className="panel" role="status">
      <span className="visually-hidden">Loading {what}…</span>
      <span className="skeleton" style={{ height: lines * 19 + 5 }} aria-hidden />
    </div>
  );
}

export function Failed({ what, error, onRetry }: { what: string; error: unknown; onRetry: () => void }) {
  const problem = error instanceof ApiProblem ? error : null;
  return (
    <div className="panel state" role="alert">
      <CircleAlert aria-hidden />
      <h2>We couldn’t load {what}</h2>
      <p>{problem?.message ?? 'Something went wrong in this page.'}</p>
      {problem?.requestId && <p className="small mono">Request {problem.requestId}</p>}
      <Button onClick={onRetry}>
        <RotateCw className="icon" aria-hidden />
        Try again
      </Button>
    </div>
  );
}

export function Empty({ title, children, act }: { title: string; children?: ReactNode; act?: ReactNode }) {
  return (
    <div className="panel state">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {act && <div className="row">{act}</div>}
    </div>
  );
}

export function NotFound({ what }: { what: string }) {
  const account = useMatch({ from: '/accounts/$account', shouldThrow: false })?.params.account;
  return (
    <Empty
      title={`No such ${what}`}
      act={
        account === undefined ? (
          <Link to="/">Back to the start</Link>
        ) : (
          <Link to="/accounts/$account/integrations" params={{ account }}>
            To the webhooks of this account
          </Link>
        )
      }
    >
      It may have been deleted, be too old, or belong to another account.
    </Empty>
  );
}

/** The states of whatever a screen loads: what is there is shown, also while it is refetched or when that fails. */
export function Loaded<T>({
  query,
  what,
  lines,
  children,
}: {
  query: UseQueryResult<T>;
  what: string;
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  const retry = () => void query.refetch();
  if (query.data === undefined) {
    if (!query.isError) return <Skeleton what={what} {...(lines !== undefined && { lines })} />;
    if (query.error instanceof ApiProblem && query.error.status === 404)
      return <NotFound what={what.replace(/^the /, '')} />;
    return <Failed what={what} error={query.error} onRetry={retry} />;
  }
  return (
    <>
      {query.isRefetchError && (
        <div className="banner tone-warning" role="status">
          <CircleAlert className="icon" aria-hidden />
          <span className="text">What you see is not up to date: {query.error.message}</span>
          <Button size="tiny" onClick={retry}>
            Try again
          </Button>
        </div>
      )}
      <div className={query.isRefetchError ? 'stale' : undefined} aria-busy={query.isFetching}>
        {children(query.data)}
      </div>
    </>
  );
}
