import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Eye, EyeOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { secretsQuery } from '../data/queries.js';
import { Button } from '../ui/button.js';
import { Copy } from '../ui/copy.js';
import { Time } from '../ui/time.js';

const SHOWN_MS = 30_000;

/** The signing secret, hidden until it is asked for, and hidden again after 30 s. */
export function SecretBox({ account, id }: { account: string; id: string }) {
  const query = secretsQuery(account, id);
  const secrets = useQuery(query);
  const queryClient = useQueryClient();
  const [isShown, setIsShown] = useState(false);
  const hide = () => {
    setIsShown(false);
    queryClient.removeQueries(query);
  };
  useEffect(() => {
    if (!isShown) return;
    const timer = setTimeout(() => setIsShown(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isShown]);
  const shown = isShown ? secrets.data : undefined;
  return (
    <section className="stack close" aria-label="Signing secret">
      <h3>Signing secret</h3>
      <div className="row">
        <code className="secret">{shown?.secret ?? 'whsec_••••••••••••••••'}</code>
        {shown ? (
          <>
            <Copy text={shown.secret} what="secret" />
            <Button look="plain" size="tiny" label="Hide secret" onClick={hide}>
              <EyeOff className="icon" aria-hidden />
            </Button>
          </>
        ) : (
          <Button
            look="plain"
            size="tiny"
            label="Reveal secret"
            isPending={secrets.isFetching}
            onClick={() => void secrets.refetch().then(() => setIsShown(true))}
          >
            <Eye className="icon" aria-hidden />
          </Button>
        )}
      </div>
      {isShown && secrets.error && <p className="error small">{secrets.error.message}</p>}
      {shown?.previous.map(({ secret, expiresAt }) => (
        <div key={secret} className="row small">
          <span className="muted">
            Also signing, until <Time at={expiresAt} />:
          </span>
          <code className="secret">{secret}</code>
          <Copy text={secret} what="older secret" />
        </div>
      ))}
      <p className="muted small">
        Every request is signed with it, as Standard Webhooks has it: check <code>webhook-signature</code> before you
        trust a request.
      </p>
    </section>
  );
}
