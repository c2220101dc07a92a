import type { Session } from '@posthorn/contract';
import { useParams } from '@tanstack/react-router';
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

/** The account in the address. */
export function useAccount(): string {
  const { account } = useParams({ strict: false });
  if (account === undefined) throw new Error('no account in the address');
  return account;
}
