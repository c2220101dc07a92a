import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { rangeFields } from '../../../../../search.js';
import { screen } from '../../../../../screen.js';

const Search = z.object(rangeFields);

export const Route = createFileRoute('/accounts/$account/subscriptions/$subscription/')({
  validateSearch: Search,
  component: screen(() => import('../../../../../features/webhooks/subscription-overview.js'), 'SubscriptionOverview'),
});
