import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { optionalText, typedText } from '../search.js';
import { screen } from '../screen.js';

const Search = z.object({
  /** Opens the job of this delivery. */
  delivery: optionalText,
  /** The number of its next or last attempt. */
  attempt: typedText,
});

export const Route = createFileRoute('/board')({
  validateSearch: Search,
  component: screen(() => import('../features/operate/board.js'), 'Board'),
});
