import { useMutation } from '@tanstack/react-query';
import { countDeliveries, type DeliveryFilters } from './queries.js';
import { Button } from '../../components/button.js';
import { whole } from '../../components/number.js';

/** How many deliveries a list has in all its pages: told only when it is asked for, as the API counts by reading them. */
export function DeliveryTotal({
  account,
  filters,
}: {
  account: string;
  filters: Omit<DeliveryFilters, 'cursor' | 'limit'>;
}) {
  const { data, error, isPending, mutate } = useMutation({ mutationFn: () => countDeliveries(account, filters) });
  return (
    <span className="row small">
      <span className="number" role="status">
        {error ? error.message : data && `${data.more ? 'More than ' : ''}${whole.format(data.count)} in all`}
      </span>
      <Button isPending={isPending} onClick={() => mutate()}>
        Count
      </Button>
    </span>
  );
}
