import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { screen } from '../screen.js';
import { rangeFields } from '../search.js';

const Search = z.object(rangeFields);

export const Route = createFileRoute('/queues')({
  validateSearch: Search,
  component: screen(() => import('../features/operate/queues.js'), 'QueuesScreen'),
});
