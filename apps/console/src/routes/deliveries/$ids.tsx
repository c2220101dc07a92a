import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../../screen.js';

export const Route = createFileRoute('/deliveries/$ids')({
  component: screen(() => import('../../features/deliveries/deliveries-by-id.js'), 'DeliveriesById'),
});
