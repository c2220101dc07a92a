import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { screen } from '../../screen.js';
import { optionalText, replayFields } from '../../search.js';

const Search = z.object({ ...replayFields, accounts: optionalText, subscription: optionalText });

export const Route = createFileRoute('/replays/new')({
  validateSearch: Search,
  component: screen(() => import('../../features/replays/start-replay.js'), 'StartReplayOfAccounts'),
});
