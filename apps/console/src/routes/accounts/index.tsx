import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { pageFields, sortField, typedText } from '../../search.js';
import { screen } from '../../screen.js';

const Search = z.object({ ...pageFields, ...sortField, q: typedText });

export const Route = createFileRoute('/accounts/')({
  validateSearch: Search,
  component: screen(() => import('../../features/accounts/accounts.js'), 'Accounts'),
});
