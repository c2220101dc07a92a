import type { OperationalEvent, StreamedAttempt, StreamedDelivery } from '@posthorn/contract';
import { expectTypeOf, it } from 'vitest';
import type { FollowedAttempt, FollowedDelivery } from './follow.js';
import { Posthorn } from './posthorn.js';
import type { Delivery, NewEvent, OperationalEvents } from './types.js';
import type { WebhookEvent } from './webhooks/verify.js';

// `npm run typecheck` checks these; here nothing runs.
interface Events {
  'message:created': { id: string; body: string };
  'conversation:updated': { id: string; closed: boolean };
}

it('types events, pages and payloads', () => {
  expectTypeOf<FollowedDelivery>().toEqualTypeOf<StreamedDelivery>();
  expectTypeOf<FollowedAttempt>().toExtend<StreamedAttempt>();
  expectTypeOf<StreamedAttempt>().toExtend<FollowedAttempt>();
  expectTypeOf<OperationalEvents['subscription:failing']>().toExtend<
    Extract<OperationalEvent, { event: 'subscription:failing' }>['payload']
  >();
  expectTypeOf<NewEvent>().toExtend<{ event: string; payload: Record<string, unknown> }>();
  expectTypeOf<{ event: 'message:created'; payload: { id: string } }>().not.toExtend<NewEvent<Events>>();
  expectTypeOf<{ event: 'other'; payload: { id: string } }>().not.toExtend<NewEvent<Events>>();

  const read = (event: WebhookEvent<Events>): string | boolean =>
    event.event === 'message:created' ? event.payload.body : event.payload.closed;
  expectTypeOf(read).returns.toEqualTypeOf<string | boolean>();

  const posthorn = new Posthorn<Events>({ url: 'https://hooks.example.com', apiKey: 'key' });
  type Deliveries = ReturnType<typeof posthorn.deliveries.list>;
  expectTypeOf<ReturnType<Deliveries['take']>>().resolves.toEqualTypeOf<Delivery[]>();
  expectTypeOf(posthorn.publish).parameter(1).toEqualTypeOf<NewEvent<Events>>();
});
