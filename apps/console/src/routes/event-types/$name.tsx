import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../../screen.js';

export const Route = createFileRoute('/event-types/$name')({
  component: screen(() => import('../../features/catalogue/event-type.js'), 'EventTypeScreen'),
});
