import { CreateSession, type Session } from '@posthorn/contract';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import * as z from 'zod';
import { ApiProblem } from '../../api/api-problem.js';
import { call } from '../../api/call.js';
import { Button } from '../../components/button.js';
import { Field } from '../../components/field.js';
import { fieldOf, trimmed, useSchemaForm } from '../../components/form.js';
import { sessionQuery } from './queries.js';
import { signInLinkProblem } from './sign-in-link.js';

const SignIn = z.object({ key: trimmed(CreateSession.shape.key) });

export function LoginForm() {
  const queryClient = useQueryClient();
  const form = useSchemaForm(SignIn, { key: '' });
  const { setError } = form;
  useEffect(() => {
    const problem = signInLinkProblem();
    if (problem !== null) setError('key', { message: problem });
  }, [setError]);
  const submit = form.handleSubmit(async (values) => {
    try {
      await call<Session>('POST', '/v1/session', values);
      await queryClient.resetQueries(sessionQuery);
    } catch (error) {
      setError('key', {
        message:
          error instanceof ApiProblem && error.status === 401
            ? 'This key is unknown or revoked. Check it, or ask your administrator for a new one or for a sign-in link.'
            : (error as Error).message,
      });
    }
  });
  return (
    <form className="panel stack" onSubmit={(event) => void submit(event)} noValidate>
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
        help="The key is not stored in this browser."
        {...fieldOf(form, 'key')}
      />
      <Button type="submit" look="primary" isPending={form.formState.isSubmitting}>
        Sign in
      </Button>
    </form>
  );
}
