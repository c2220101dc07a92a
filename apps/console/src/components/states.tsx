import type { UseQueryResult } from '@tanstack/react-query';
import { Link, useMatch } from '@tanstack/react-router';
import { CircleAlert, RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiProblem } from '../api/api-problem.js';
import type { MayLag } from '../api/call.js';
import { Button } from './button.js';
import { age } from './time.js';
import './banner.css';
import './states.css';

/** A placeholder of about the final size. It appears after a moment, so that short loads do not flash. */
export function Skeleton({ what, lines = 5 }: { what: string; lines?: number }) {
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
      <p>{problem?.message ?? 'Something went wrong on this page.'}</p>
      {problem?.requestId && <p className="small mono">Request {problem.requestId}</p>}
      <Button onClick={onRetry}>
        <RotateCw className="icon" aria-hidden />
        Try again
      </Button>
    </div>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="panel state">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action && <div className="row">{action}</div>}
    </div>
  );
}

export function NotFound({ what }: { what: string }) {
  const account = useMatch({ from: '/accounts/$account', shouldThrow: false })?.params.account;
  return (
    <Empty
      title={`${what.charAt(0).toUpperCase()}${what.slice(1)} not found`}
      action={
        account === undefined ? (
          <Link to="/">Go to the start page</Link>
        ) : (
          <Link to="/accounts/$account/integrations" params={{ account }}>
            Go to the webhooks of this account
          </Link>
        )
      }
    >
      It may have been deleted or expired, or it belongs to another account.
    </Empty>
  );
}

/** How far a read replica was behind, if it was. */
function ReadLag({ of }: { of: unknown }) {
  const { readLagSeconds = 0 } = (of ?? {}) as MayLag;
  return readLagSeconds < 1 ? null : <p className="muted small">This data is {age(readLagSeconds)} behind.</p>;
}

/** The states of a query: loading, failed, not found, loaded. Loaded data stays visible while a refetch runs or fails. */
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
          <span className="text">This data is out of date: {query.error.message}</span>
          <Button size="tiny" onClick={retry}>
            Try again
          </Button>
        </div>
      )}
      <div className={query.isRefetchError ? 'stale' : undefined} aria-busy={query.isFetching}>
        {children(query.data)}
      </div>
      <ReadLag of={query.data} />
    </>
  );
}
