import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { rangeFields } from '../search.js';
import { screen } from '../screen.js';

const Search = z.object(rangeFields);

export const Route = createFileRoute('/')({
  validateSearch: Search,
  component: screen(() => import('../features/operate/home.js'), 'Home'),
});
