import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { optionalText, pageFields, rangeFields } from '../search.js';
import { screen } from '../screen.js';

const Search = z.object({
  ...pageFields,
  ...rangeFields,
  account: optionalText,
  action: optionalText,
  actor: optionalText,
  actorId: optionalText,
});

export const Route = createFileRoute('/audit')({
  validateSearch: Search,
  component: screen(() => import('../features/operate/audit.js'), 'Audit'),
});
