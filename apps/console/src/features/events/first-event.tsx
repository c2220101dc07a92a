import type { CreatedKey } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { useAct } from '../../api/act.js';
import { accountPath } from '../../api/account-path.js';
import { useSession } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Code } from '../../components/outside-text.js';
import { Empty } from '../../components/states.js';

/** How to publish, to be copied; with a key in it once that was asked for, so that it works as it stands. */
export function FirstEvent({ account }: { account: string }) {
  const { kind } = useSession();
  const createKey = useAct<CreatedKey, object>({
    path: `${accountPath(account)}/keys`,
    touches: ['accounts', account, 'keys'],
  });
  const { key = 'a key of this account' } = createKey.data ?? {};
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
              Create a key and put it in
            </Button>
          )
        }
      >
        Your app publishes them over the API.{' '}
        {kind !== 'operator' ? (
          'To try it, put a key of yours in the first line:'
        ) : createKey.data ? (
          <>The key in the first line is shown this once. It may publish, no more; revoke it among the {keys}.</>
        ) : (
          <>To try it, put a key in the first line: one of the {keys} that you have, or a new one.</>
        )}
      </Empty>
      <Code what="the command" text={text} isWrapped={false} />
    </div>
  );
}
