import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Drawer } from '../../components/drawer.js';
import { useFocusRow } from '../../components/focus-row.js';
import { StepButtons } from '../../components/neighbours.js';
import { Loaded } from '../../components/states.js';
import { useAccount } from '../session/session.js';
import { EventView } from './event.js';
import { eventQuery } from '../../queries/events.js';

/** An event beside the list. */
export function EventDrawer({ id }: { id: string }) {
  const account = useAccount();
  const event = useQuery(eventQuery(account, id));
  const navigate = useNavigate();
  useFocusRow(id);
  const show = (changes: { openEvent?: string; cursor?: string | undefined }) =>
    void navigate({
      to: '.',
      search: (before) => ({ ...before, ...changes }),
      mask: { to: '/accounts/$account/events/$event', params: { account, event: changes.openEvent ?? id } },
      replace: true,
      resetScroll: false,
    });
  const close = () =>
    void navigate({ to: '.', search: (before) => ({ ...before, openEvent: undefined }), resetScroll: false });
  return (
    <Drawer
      label="Event"
      onClose={close}
      bar={
        <StepButtons
          id={id}
          noun="event"
          onOpen={(next) => show({ openEvent: next })}
          onTurn={(cursor) => show({ cursor })}
        />
      }
    >
      <Loaded key={id} query={event} what="the event" lines={12}>
        {(data) => <EventView account={account} event={data} heading="h2" />}
      </Loaded>
    </Drawer>
  );
}
