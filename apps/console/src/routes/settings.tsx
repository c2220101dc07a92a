import { createFileRoute } from '@tanstack/react-router';
import { screen } from '../screen.js';

export const Route = createFileRoute('/settings')({
  component: screen(() => import('../features/operate/settings.js'), 'SettingsScreen'),
});
