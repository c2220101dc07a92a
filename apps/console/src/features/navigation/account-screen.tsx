import { getRouteApi, Outlet } from '@tanstack/react-router';
import { Neighbours } from '../../components/neighbours.js';
import { DeliveryDrawer } from '../deliveries/delivery-drawer.js';
import { EventDrawer } from '../events/event-drawer.js';

const route = getRouteApi('/accounts/$account');

/** The screens of an account, with a drawer for the delivery or the event in the address. */
export function AccountScreen() {
  const { delivery, openEvent } = route.useSearch();
  return (
    <Neighbours>
      <Outlet />
      {delivery !== undefined && <DeliveryDrawer id={delivery} />}
      {openEvent !== undefined && <EventDrawer id={openEvent} />}
    </Neighbours>
  );
}
