import { useQuery } from '@tanstack/react-query';
import { Select } from '../../components/select.js';
import { useMay } from '../session/session.js';
import { allSubscriptionsQuery } from '../../queries/webhooks.js';

/** A filter by webhook. */
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
  return (
    <Select label="Webhook" value={value} onChange={onChange}>
      {webhooks}
    </Select>
  );
}
