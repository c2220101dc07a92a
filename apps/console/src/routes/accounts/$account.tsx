import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { optionalText } from '../../search.js';
import { screen } from '../../screen.js';

const Search = z.object({
  /** The delivery that is open beside the list. */
  delivery: optionalText,
  /** The event that is open beside the list. */
  openEvent: optionalText,
});

export const Route = createFileRoute('/accounts/$account')({
  validateSearch: Search,
  component: screen(() => import('../../features/navigation/account-screen.js'), 'AccountScreen'),
});
