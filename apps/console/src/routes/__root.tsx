import { createRootRoute, Link } from '@tanstack/react-router';
import { Empty } from '../components/states.js';
import { Frame } from '../features/navigation/frame.js';

export const Route = createRootRoute({
  component: Frame,
  notFoundComponent: () => (
    <Empty title="Page not found" action={<Link to="/">Go to the start page</Link>}>
      The address may be misspelled.
    </Empty>
  ),
});
