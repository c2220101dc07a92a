import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { screen } from '../../screen.js';
import { pageFields } from '../../search.js';

const Search = z.object(pageFields);

export const Route = createFileRoute('/replays/$replay')({
  validateSearch: Search,
  component: screen(() => import('../../features/replays/replay.js'), 'AnyReplayScreen'),
});
