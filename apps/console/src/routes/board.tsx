import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../screen.js';

export const Route = createFileRoute('/board')({
  component: screen(() => import('../features/operate/board.js'), 'Board'),
});
