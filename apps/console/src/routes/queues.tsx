import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../screen.js';

export const Route = createFileRoute('/queues')({
  component: screen(() => import('../features/operate/queues.js'), 'QueuesScreen'),
});
