import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { optionalText } from '../../../../../search.js';
import { screen } from '../../../../../screen.js';

const Search = z.object({
  which: z.catch(z.optional(z.enum(['failed', 'missed'])), undefined),
  from: optionalText,
});

export const Route = createFileRoute('/accounts/$account/subscriptions/$subscription/replay')({
  validateSearch: Search,
  component: screen(() => import('../../../../../features/replays/start-replay.js'), 'StartReplay'),
});
