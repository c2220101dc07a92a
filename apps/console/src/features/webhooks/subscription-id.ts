import { getRouteApi } from '@tanstack/react-router';

const route = getRouteApi('/accounts/$account/subscriptions/$subscription');
/** The subscription in the address. */
export const useSubscriptionId = (): string => route.useParams().subscription;
