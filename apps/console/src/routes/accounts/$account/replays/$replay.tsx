import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../../../../screen.js';

export const Route = createFileRoute('/accounts/$account/replays/$replay')({
  component: screen(() => import('../../../../features/replays/replay.js'), 'ReplayScreen'),
});
