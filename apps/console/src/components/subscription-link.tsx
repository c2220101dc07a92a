import { Link } from '@tanstack/react-router';
import { Url } from './outside-text.js';

/** A link to a webhook, with its URL as text. */
export function SubscriptionLink({ account, id, url }: { account: string; id: string; url: string }) {
  return (
    <Link
      className="rowlink"
      to="/accounts/$account/subscriptions/$subscription"
      params={{ account, subscription: id }}
    >
      <Url url={url} />
    </Link>
  );
}
