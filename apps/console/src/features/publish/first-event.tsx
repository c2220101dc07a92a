import type { CreatedKey } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { accountPath } from '../../api/account-path.js';
import { useAction } from '../../components/action.js';
import { Button } from '../../components/button.js';
import { Empty } from '../../components/states.js';
import { useMay, useSession } from '../session/session.js';
import { PublishSnippet } from './publish-snippet.js';

/** The list of events while it is empty. */
export function FirstEvent({ account }: { account: string }) {
  return (
    <div className="stack">
      <Empty title="No events yet">Your app publishes them over the API.</Empty>
      <HowToPublish account={account} />
    </div>
  );
}

/** Snippets that publish an event. An operator can create a key for them here. */
export function HowToPublish({ account }: { account: string }) {
  const { kind } = useSession();
  const may = useMay();
  const createKey = useAction<CreatedKey, object>({
    path: `${accountPath(account)}/keys`,
    touches: ['accounts', account, 'keys'],
  });
  if (!may('events:write')) return null;
  const keys = (
    <Link to="/accounts/$account/keys" params={{ account }}>
      API keys
    </Link>
  );
  return (
    <div className="stack close">
      {kind === 'operator' && !createKey.data && (
        <div className="row">
          <Button
            isPending={createKey.isPending}
            onClick={() => createKey.mutate({ name: 'First event', scopes: ['events:write'] })}
          >
            Create a key for publishing
          </Button>
          <span className="small muted">Or use one of your {keys}.</span>
        </div>
      )}
      {createKey.data && (
        <p className="small">
          Copy the key now; you will not see it again. It can publish and nothing else. Revoke it under {keys}.
        </p>
      )}
      <PublishSnippet account={account} apiKey={createKey.data?.key ?? null} />
    </div>
  );
}
