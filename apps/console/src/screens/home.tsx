import { Navigate } from '@tanstack/react-router';
import { useSession } from '../session.js';

/** Where one begins. */
export function Home() {
  const { accountId } = useSession();
  return accountId === null ? (
    <Navigate to="/accounts" replace />
  ) : (
    <Navigate to="/accounts/$account/integrations" params={{ account: accountId }} replace />
  );
}
