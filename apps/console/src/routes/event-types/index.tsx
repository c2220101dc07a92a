import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../../screen.js';

export const Route = createFileRoute('/event-types/')({
  component: screen(() => import('../../features/catalogue/event-types.js'), 'EventTypes'),
});
