import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { deliveryQuery } from '../../queries/deliveries.js';
import { useAccount } from '../session/session.js';
import { Drawer } from '../../components/drawer.js';
import { useFocusRow } from '../../components/focus-row.js';
import { StepButtons } from '../../components/neighbours.js';
import { Loaded } from '../../components/states.js';
import { DeliveryView } from './delivery.js';

/** A delivery beside the list. */
export function DeliveryDrawer({ id }: { id: string }) {
  const account = useAccount();
  const delivery = useQuery(deliveryQuery(account, id));
  const navigate = useNavigate();
  useFocusRow(id);
  const show = (changes: { delivery?: string; cursor?: string | undefined }) =>
    void navigate({
      to: '.',
      search: (before) => ({ ...before, ...changes }),
      mask: { to: '/accounts/$account/deliveries/$delivery', params: { account, delivery: changes.delivery ?? id } },
      replace: true,
      resetScroll: false,
    });
  const close = () =>
    void navigate({
      to: '.',
      search: (before) => ({ ...before, delivery: undefined }),
      resetScroll: false,
    });
  return (
    <Drawer
      label="Delivery"
      onClose={close}
      bar={
        <StepButtons
          id={id}
          noun="delivery"
          onOpen={(next) => show({ delivery: next })}
          onTurn={(cursor) => show({ cursor })}
        />
      }
    >
      <Loaded key={id} query={delivery} what="the delivery" lines={12}>
        {(data) => <DeliveryView account={account} delivery={data} heading="h2" />}
      </Loaded>
    </Drawer>
  );
}
