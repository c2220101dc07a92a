import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { pageFields } from '../../../search.js';
import { screen } from '../../../screen.js';

const Search = z.object(pageFields);

export const Route = createFileRoute('/accounts/$account/keys')({
  validateSearch: Search,
  component: screen(() => import('../../../features/keys/keys.js'), 'Keys'),
});
