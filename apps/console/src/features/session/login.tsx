import type { Session } from '@posthorn/contract';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ApiProblem, call } from '../../api/call.js';
import { sessionQuery } from './queries.js';
import { signInLinkProblem } from './sign-in-link.js';
import { Button } from '../../components/button.js';
import { Field } from '../../components/field.js';
import { useTitle } from '../../components/page.js';
import '../../components/brand.css';
import './login.css';

/** Exchanges a key for a session cookie that scripts cannot read. The key is not stored. */
export function Login() {
  const queryClient = useQueryClient();
  const [key, setKey] = useState('');
  const [error, setError] = useState<string | null>(signInLinkProblem);
  const [isPending, setIsPending] = useState(false);
  useTitle('Sign in');

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (isPending) return;
    if (key.trim() === '') {
      setError('Enter a key.');
      return;
    }
    setIsPending(true);
    setError(null);
    try {
      await call<Session>('POST', '/v1/session', { key: key.trim() });
      setKey('');
      await queryClient.resetQueries(sessionQuery);
    } catch (failure) {
      setError(
        failure instanceof ApiProblem && failure.status === 401
          ? 'This key is unknown or revoked. To sign in without a key, open the link that npm run sign-in prints.'
          : (failure as Error).message,
      );
      setIsPending(false);
    }
  }

  return (
    <main className="login">
      <form className="panel stack" onSubmit={(event) => void submit(event)}>
        <div className="brand">
          <img src="./posthorn.svg" alt="" />
          Posthorn
        </div>
        <h1>Sign in</h1>
        <Field
          label="Operator key or account key"
          type="password"
          autoComplete="current-password"
          autoFocus
          value={key}
          error={error}
          help="The key is not stored in this browser."
          onChange={(event) => {
            setKey(event.target.value);
            setError(null);
          }}
        />
        <Button type="submit" look="primary" isPending={isPending}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
