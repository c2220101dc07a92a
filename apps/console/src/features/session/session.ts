import type { Session } from '@posthorn/contract';
import { getRouteApi } from '@tanstack/react-router';
import { createContext, useContext } from 'react';

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('nobody is signed in');
  return session;
}

/** May the one who is signed in do this? What may not be done is not shown, and the API refuses it as well. */
export function useMay(): (scope: string) => boolean {
  const { kind, scopes } = useSession();
  return (scope) => kind === 'operator' || scopes.includes(scope);
}

const accountRoute = getRouteApi('/accounts/$account');
/** The account in the address. */
export const useAccount = (): string => accountRoute.useParams().account;
