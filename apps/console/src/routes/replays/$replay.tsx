import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../../screen.js';

export const Route = createFileRoute('/replays/$replay')({
  component: screen(() => import('../../features/replays/replay.js'), 'AnyReplayScreen'),
});
