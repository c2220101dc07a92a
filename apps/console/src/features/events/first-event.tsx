import type { CreatedKey } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { useAct } from '../../api/act.js';
import { accountPath } from '../../api/account-path.js';
import { useSession } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Code } from '../../components/outside-text.js';
import { Empty } from '../../components/states.js';

/** A command that publishes an event. An operator can put a new key into it. */
export function FirstEvent({ account }: { account: string }) {
  const { kind } = useSession();
  const createKey = useAct<CreatedKey, object>({
    path: `${accountPath(account)}/keys`,
    touches: ['accounts', account, 'keys'],
  });
  const { key = 'your API key' } = createKey.data ?? {};
  const url = new URL(`./v1/accounts/${account}/events`, document.baseURI).href;
  const text = `export POSTHORN_KEY='${key}'
curl -X POST '${url}' \\
  -H "authorization: Bearer $POSTHORN_KEY" \\
  -H 'content-type: application/json' \\
  --data-raw '{"event":"message:created","payload":{"body":"Hello"}}'`;
  const keys = (
    <Link to="/accounts/$account/keys" params={{ account }}>
      API keys
    </Link>
  );
  return (
    <div className="stack">
      <Empty
        title="No events yet"
        act={
          kind === 'operator' &&
          !createKey.data && (
            <Button
              isPending={createKey.isPending}
              onClick={() => createKey.mutate({ name: 'First event', scopes: ['events:write'] })}
            >
              Create a key and insert it
            </Button>
          )
        }
      >
        Your app publishes events through the API.{' '}
        {kind !== 'operator' ? (
          'To try it, put your API key in the first line:'
        ) : createKey.data ? (
          <>
            Copy the command now; you will not see the key again. The key can only publish events. To revoke it, go to{' '}
            {keys}.
          </>
        ) : (
          <>To try it, create a key, or put one of your {keys} in the first line.</>
        )}
      </Empty>
      <Code what="the command" text={text} isWrapped={false} />
    </div>
  );
}
