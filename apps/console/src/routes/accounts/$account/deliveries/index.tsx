import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { deliveryFields, optionalText } from '../../../../search.js';
import { screen } from '../../../../screen.js';

const Search = z.object({ ...deliveryFields, subscription: optionalText });

export const Route = createFileRoute('/accounts/$account/deliveries/')({
  validateSearch: Search,
  component: screen(() => import('../../../../features/deliveries/deliveries.js'), 'Deliveries'),
});
