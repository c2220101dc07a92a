import { useQuery } from '@tanstack/react-query';
import { Select } from '../../components/select.js';
import { useMay } from '../session/session.js';
import { allSubscriptionsQuery } from '../../queries/webhooks.js';

/** A filter by webhook. A value that is not among the webhooks (any more) stays selectable. */
export function WebhookFilter({
  account,
  value,
  onChange,
}: {
  account: string;
  value: string | undefined;
  onChange: (value: string) => void;
}) {
  const mayRead = useMay()('subscriptions:read');
  const { data } = useQuery({ ...allSubscriptionsQuery(account), enabled: mayRead });
  const webhooks = (data?.data ?? []).map(({ id, url, description }) => [id, description ?? url] as const);
  const isKnown = value === undefined || webhooks.some(([id]) => id === value);
  return (
    <Select label="Webhook" value={value} onChange={onChange}>
      {isKnown ? webhooks : [[value, value], ...webhooks]}
    </Select>
  );
}
