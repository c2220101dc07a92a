import type { Replay, ReplayPreview } from '@posthorn/contract';
import { useAction } from '../../components/action.js';
import { Button } from '../../components/button.js';
import { whole } from '../../components/number.js';
import { replaysKey, replaysPath } from '../../queries/replays.js';

type Body = Record<string, unknown>;

/** Counts what a replay would send, then starts it. */
export function Preview({
  account,
  body,
  onStarted,
}: {
  account: string | null;
  body: Body;
  onStarted: (replay: Replay) => void;
}) {
  const options = { path: replaysPath(account), touches: replaysKey(account) };
  const preview = useAction<ReplayPreview, Body>({ ...options, isQuiet: true });
  const start = useAction<Replay, Body>({ ...options, onDone: onStarted });
  const counted = preview.data;
  return (
    <>
      {counted === undefined ? (
        <div className="row">
          <Button
            look="primary"
            isPending={preview.isPending}
            onClick={() => preview.mutate({ ...body, dryRun: true })}
          >
            Preview
          </Button>
        </div>
      ) : counted.matched === 0 && !counted.more ? (
        <p role="status">No deliveries match.</p>
      ) : (
        <div className="row">
          <p role="status">{describe(counted, account)}</p>
          <Button
            look="primary"
            isPending={start.isPending}
            // Use the counted range, so that the replay sends what the preview counted.
            onClick={() =>
              start.mutate({
                ...body,
                ...(body['event'] === undefined && { since: counted.since }),
                until: counted.until,
              })
            }
          >
            Start replay
          </Button>
        </div>
      )}
      {preview.error && (
        <p className="error" role="alert">
          {preview.error.message}
        </p>
      )}
    </>
  );
}

/** "37 deliveries to 2 webhooks will be replayed, oldest first, rate-limited." */
function describe({ matched, more, subscriptionCount, accountCount }: ReplayPreview, account: string | null): string {
  if (matched === 0)
    return 'There are too many deliveries to count. Those that match will be replayed, oldest first, rate-limited.';
  const webhooks = counted(subscriptionCount, 'webhook', 'webhooks');
  const accounts = account === null ? ` of ${counted(accountCount, 'account', 'accounts')}` : '';
  const deliveries = `${more ? 'More than ' : ''}${counted(matched, 'delivery', 'deliveries')}`;
  return `${deliveries} to ${webhooks}${accounts} will be replayed, oldest first, rate-limited.`;
}

const counted = (count: number, one: string, many: string): string =>
  `${whole.format(count)} ${count === 1 ? one : many}`;
