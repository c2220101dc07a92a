import type { Session } from '@posthorn/contract';
import { getRouteApi } from '@tanstack/react-router';
import { createContext, useContext } from 'react';

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('no session');
  return session;
}

/** Returns whether the session has a scope. The console hides what is not allowed, and the API refuses it. */
export function useMay(): (scope: string) => boolean {
  const { kind, scopes } = useSession();
  return (scope) => kind === 'operator' || scopes.includes(scope);
}

const accountRoute = getRouteApi('/accounts/$account');
/** The account in the address. */
export const useAccount = (): string => accountRoute.useParams().account;
