import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { deliveryFields } from '../../../../../search.js';
import { screen } from '../../../../../screen.js';

const Search = z.object(deliveryFields);

export const Route = createFileRoute('/accounts/$account/subscriptions/$subscription/deliveries')({
  validateSearch: Search,
  component: screen(
    () => import('../../../../../features/webhooks/subscription-deliveries.js'),
    'SubscriptionDeliveries',
  ),
});
