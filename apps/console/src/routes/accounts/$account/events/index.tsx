import { createFileRoute } from '@tanstack/react-router';
import * as z from 'zod/mini';
import { optionalText, rangeFields, sizedPageFields, typedText } from '../../../../search.js';
import { screen } from '../../../../screen.js';

const Search = z.object({
  ...sizedPageFields,
  ...rangeFields,
  q: typedText,
  eventType: optionalText,
  /** The event that another one is chosen for, and then the other one. */
  compare: optionalText,
  with: optionalText,
});

export const Route = createFileRoute('/accounts/$account/events/')({
  validateSearch: Search,
  component: screen(() => import('../../../../features/events/events.js'), 'Events'),
});
