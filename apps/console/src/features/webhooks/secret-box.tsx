import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Eye, EyeOff } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { secretsQuery } from '../../queries/webhooks.js';
import { useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Copy } from '../../components/copy.js';
import { Time } from '../../components/time.js';
import { useToast } from '../../components/toasts.js';
import { EndpointSnippet } from './endpoint-snippet.js';
import { RotateSecret } from './rotate-secret.js';

const SHOWN_MS = 30_000;

/** The signing secret. Reveal shows it for 30 s. Rotating shows the new secret and the old ones that are still valid. */
export function SecretBox({ account, id }: { account: string; id: string }) {
  const query = secretsQuery(account, id);
  const secrets = useQuery(query);
  const queryClient = useQueryClient();
  const toast = useToast();
  const may = useMay();
  const [shownAt, setShownAt] = useState<number | null>(null);
  const [isRotating, setIsRotating] = useState(false);
  const show = () => setShownAt(Date.now());
  const hide = useCallback(() => {
    setShownAt(null);
    queryClient.removeQueries({ queryKey: secretsQuery(account, id).queryKey });
  }, [account, id, queryClient]);
  useEffect(() => {
    if (shownAt === null) return;
    const timer = setTimeout(hide, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [shownAt, hide]);
  const shown = shownAt === null ? undefined : secrets.data;
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
            onClick={() => void secrets.refetch().then(show)}
          >
            <Eye className="icon" aria-hidden />
          </Button>
        )}
      </div>
      {shownAt !== null && secrets.error && <p className="error small">{secrets.error.message}</p>}
      {shown?.previous.map(({ secret, expiresAt }) => (
        <div key={secret} className="row small">
          <span className="muted">
            Old secret, valid until <Time at={expiresAt} />:
          </span>
          <code className="secret">{secret}</code>
          <Copy text={secret} what="old secret" />
        </div>
      ))}
      <p className="muted small">
        Posthorn signs every request with this secret (Standard Webhooks). Verify the <code>webhook-signature</code>{' '}
        header before you trust a request.
      </p>
      <details>
        <summary>Verify it in your language</summary>
        <div className="detail">
          <EndpointSnippet />
        </div>
      </details>
      {may('subscriptions:write') && (
        <div className="row">
          <Button onClick={() => setIsRotating(true)}>Rotate secret…</Button>
        </div>
      )}
      {isRotating && (
        <RotateSecret
          account={account}
          id={id}
          onClose={() => setIsRotating(false)}
          onRotated={(rotated) => {
            queryClient.setQueryData(query.queryKey, rotated);
            setIsRotating(false);
            show();
            toast('Secret rotated. The new secret signs from the next attempt.');
          }}
        />
      )}
    </section>
  );
}
