import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../../../../../screen.js';

export const Route = createFileRoute('/accounts/$account/subscriptions/$subscription/settings')({
  component: screen(() => import('../../../../../features/webhooks/subscription-settings.js'), 'SubscriptionSettings'),
});
