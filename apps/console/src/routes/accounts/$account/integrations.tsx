import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { optionalText, pageFields, sortField, typedText } from '../../../search.js';
import { screen } from '../../../screen.js';

const Search = z.object({ ...pageFields, ...sortField, q: typedText, status: optionalText });

export const Route = createFileRoute('/accounts/$account/integrations')({
  validateSearch: Search,
  component: screen(() => import('../../../features/webhooks/integrations.js'), 'Integrations'),
});
