import { useMutation } from '@tanstack/react-query';
import { countDeliveries, type DeliveryFilters } from '../../queries/deliveries.js';
import { Button } from '../../components/button.js';
import { whole } from '../../components/number.js';

/** The number of deliveries on all pages of a list. Counted on request, because the API reads all of them to count. */
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
        {error ? error.message : data && `${data.more ? 'More than ' : ''}${whole.format(data.count)} in total`}
      </span>
      <Button isPending={isPending} onClick={() => mutate()}>
        Count
      </Button>
    </span>
  );
}
