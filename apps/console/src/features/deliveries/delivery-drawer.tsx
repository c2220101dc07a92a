import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Outlet, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { deliveryQuery } from './queries.js';
import { useAccount } from '../session/session.js';
import { Drawer } from '../../components/drawer.js';
import { Loaded } from '../../components/states.js';
import { DeliveryView } from './delivery.js';

const route = getRouteApi('/accounts/$account');

/** The screens of an account, with a drawer for the delivery in the address. */
export function AccountScreen() {
  const { delivery } = route.useSearch();
  return (
    <>
      <Outlet />
      {delivery !== undefined && <DeliveryDrawer key={delivery} id={delivery} />}
    </>
  );
}

function DeliveryDrawer({ id }: { id: string }) {
  const account = useAccount();
  const delivery = useQuery(deliveryQuery(account, id));
  const navigate = useNavigate();
  // After a reload, no element had the focus before.
  useEffect(() => () => document.getElementById(id)?.focus(), [id]);
  const close = () =>
    void navigate({
      to: '.',
      search: (before) => ({ ...before, delivery: undefined }),
      resetScroll: false,
    });
  return (
    <Drawer label="Delivery" onClose={close}>
      <Loaded query={delivery} what="the delivery" lines={12}>
        {(data) => <DeliveryView account={account} delivery={data} heading="h2" />}
      </Loaded>
    </Drawer>
  );
}
