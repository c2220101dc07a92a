import { Suspense } from 'react';
import { useTitle } from '../../components/page.js';
import { screen } from '../../screen.js';
import '../../components/brand.css';
import './login.css';

// Loaded on demand, because few first loads need the form and its library.
const LoginForm = screen(() => import('./login-form.js'), 'LoginForm');

/** Exchanges a key for a session cookie that scripts cannot read. The key is not stored. */
export function Login() {
  useTitle('Sign in');
  return (
    <main className="login">
      <Suspense>
        <LoginForm />
      </Suspense>
    </main>
  );
}
