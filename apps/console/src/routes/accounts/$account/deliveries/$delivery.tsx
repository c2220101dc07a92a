import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../../../../screen.js';

export const Route = createFileRoute('/accounts/$account/deliveries/$delivery')({
  component: screen(() => import('../../../../features/deliveries/delivery.js'), 'DeliveryScreen'),
});
