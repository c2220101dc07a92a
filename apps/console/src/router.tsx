import { createRouter, type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { basePath, isPortal } from './api/place.js';
import { Failed } from './components/states.js';
import { routeTree } from './routeTree.gen.js';

function FailedScreen({ error, reset }: ErrorComponentProps) {
  const { invalidate } = useRouter();
  return <Failed what="this screen" error={error} onRetry={() => void invalidate().then(reset)} />;
}

export const router = createRouter({
  routeTree,
  // A portal keeps its own path, so a reload of it is a portal again.
  basepath: isPortal ? `${basePath}portal` : basePath,
  scrollRestoration: true,
  defaultPreload: 'intent',
  defaultErrorComponent: FailedScreen,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
