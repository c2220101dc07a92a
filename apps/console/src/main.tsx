import '@posthorn/tokens/tokens.css';
import './fonts.css';
import './base.css';
import './layout.css';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiProblem } from './api/api-problem.js';
import { sessionQuery } from './features/session/queries.js';
import { router } from './router.js';
import { Toasts } from './components/toasts.js';

const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError(error, { queryKey }) {
      // The session has ended, so show the sign-in at the same address.
      if (error instanceof ApiProblem && error.status === 401 && queryKey[0] !== 'session')
        void queryClient.resetQueries(sessionQuery);
    },
  }),
  // networkMode: Posthorn may run on this machine or in a local network, so a browser that is offline can reach it.
  defaultOptions: {
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      staleTime: 1_000,
      retry: (count, error) => count < 2 && error instanceof ApiProblem && (error.status === 0 || error.status >= 500),
    },
  },
});

const root = document.getElementById('root');
if (!root) throw new Error('#root is missing');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <Toasts>
        <RouterProvider router={router} />
      </Toasts>
    </QueryClientProvider>
  </StrictMode>,
);
