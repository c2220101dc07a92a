import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../../../../screen.js';

export const Route = createFileRoute('/accounts/$account/events/$event')({
  component: screen(() => import('../../../../features/events/event.js'), 'EventScreen'),
});
