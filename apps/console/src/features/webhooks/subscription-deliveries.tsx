import { getRouteApi } from '@tanstack/react-router';
import { useTitle } from '../../components/page.js';
import { DeliveryList } from '../deliveries/deliveries.js';
import { useAccount } from '../session/session.js';
import { useSubscriptionId } from './subscription-id.js';

const route = getRouteApi('/accounts/$account/subscriptions/$subscription/deliveries');

export function SubscriptionDeliveries() {
  const account = useAccount();
  const subscription = useSubscriptionId();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  useTitle('Deliveries', account);
  return (
    <DeliveryList
      account={account}
      subscription={subscription}
      isOfOne
      search={search}
      onSearch={(next) => void navigate({ search: next })}
    />
  );
}
