import { type Authentication, MASK } from '@posthorn/contract';
import { TriangleAlert } from 'lucide-react';
import { type FieldValues, useController, type UseFormReturn } from 'react-hook-form';
import { Banner } from '../../components/banner.js';
import { useNow } from '../../components/clock.js';
import { errorOf, fieldOf } from '../../components/form.js';
import { Field } from '../../components/field.js';
import { Facts } from '../../components/page.js';
import { Select } from '../../components/select.js';
import { TextArea } from '../../components/text-area.js';
import { Time } from '../../components/time.js';
import { AUTHENTICATION_KINDS, type AuthenticationValues, expiryWarning } from './authentication-input.js';

interface Inputs extends FieldValues {
  authentication: AuthenticationValues;
  certificateAuthorities: string;
}

interface Shown {
  /** What the API has. Default: nothing. */
  stored?: Authentication | null;
  /** The URL has another origin, so what is stored is not sent to it. */
  dropsStored?: boolean;
}

/** The inputs for the authentication of a webhook's requests, and for the certificate authorities of its endpoint. */
export function AuthenticationFields<I extends Inputs, O>({
  form: anyForm,
  stored = null,
  dropsStored = false,
}: { form: UseFormReturn<I, unknown, O> } & Shown) {
  // Only these fields are used, whatever else the form has.
  const form = anyForm as unknown as UseFormReturn<Inputs>;
  const kind = useController({ control: form.control, name: 'authentication.kind' }).field;
  return (
    <>
      <fieldset className="field">
        <legend className="label">Authentication (optional)</legend>
        <div className="stack">
          {dropsStored && stored !== null && (
            <Banner tone="warning" icon={TriangleAlert}>
              Saving drops the authentication for the new URL, because it was entered for another origin. To keep it,
              enter its secret again.
            </Banner>
          )}
          <Select label="Kind of authentication" isRequired value={kind.value} onChange={kind.onChange}>
            {Object.entries(AUTHENTICATION_KINDS)}
          </Select>
          {kind.value === 'oauth2' && <OAuth2Fields form={form} isStored={stored?.type === 'oauth2' && !dropsStored} />}
          {kind.value === 'clientCertificate' && (
            <CertificateFields form={form} stored={stored?.type === 'clientCertificate' ? stored : null} />
          )}
        </div>
      </fieldset>
      <TextArea
        label="Certificate authorities (PEM, optional)"
        rows={3}
        spellCheck={false}
        className="mono"
        placeholder="-----BEGIN CERTIFICATE-----"
        help="If your endpoint has a certificate of a private authority, enter that authority's certificate. It is trusted for this webhook only."
        {...form.register('certificateAuthorities')}
        error={errorOf(form, 'certificateAuthorities')}
      />
    </>
  );
}

function OAuth2Fields({ form, isStored }: { form: UseFormReturn<Inputs>; isStored: boolean }) {
  return (
    <>
      <Field
        label="Token URL"
        type="url"
        placeholder="https://login.example.com/oauth2/token"
        autoComplete="off"
        help="Posthorn requests access tokens here and sends them as Authorization: Bearer."
        {...fieldOf(form, 'authentication.tokenUrl')}
      />
      <Field label="Client ID" autoComplete="off" {...fieldOf(form, 'authentication.clientId')} />
      <Field
        label="Client secret"
        type="password"
        autoComplete="off"
        placeholder={isStored ? `${MASK} (stored; type to replace it)` : undefined}
        help="Stored encrypted, and sent only to the token URL."
        {...fieldOf(form, 'authentication.clientSecret')}
      />
      <Field label="Scope (optional)" autoComplete="off" {...fieldOf(form, 'authentication.scope')} />
      <Field label="Audience (optional)" autoComplete="off" {...fieldOf(form, 'authentication.audience')} />
      <label className="choice">
        <input type="checkbox" {...form.register('authentication.isSecretInBody')} />
        <span>
          Send the client secret in the body{' '}
          <span className="muted small">client_secret_post, for servers that do not accept HTTP Basic</span>
        </span>
      </label>
    </>
  );
}

function CertificateFields({
  form,
  stored,
}: {
  form: UseFormReturn<Inputs>;
  stored: Extract<Authentication, { type: 'clientCertificate' }> | null;
}) {
  return (
    <>
      {stored && <StoredCertificate of={stored} />}
      <TextArea
        label={stored ? 'New certificate (PEM)' : 'Certificate (PEM)'}
        rows={4}
        spellCheck={false}
        className="mono"
        placeholder="-----BEGIN CERTIFICATE-----"
        help="The certificate of the client, then each intermediate one."
        {...form.register('authentication.certificate')}
        error={errorOf(form, 'authentication.certificate')}
      />
      <TextArea
        label="Private key (PEM)"
        rows={4}
        spellCheck={false}
        className="mono"
        placeholder={stored ? `${MASK} (stored; enter the key to replace it)` : '-----BEGIN PRIVATE KEY-----'}
        help="Stored encrypted, and never shown."
        {...form.register('authentication.privateKey')}
        error={errorOf(form, 'authentication.privateKey')}
      />
    </>
  );
}

function StoredCertificate({
  of: { subject, issuer, notAfter, fingerprint },
}: {
  of: Extract<Authentication, { type: 'clientCertificate' }>;
}) {
  const warning = expiryWarning(notAfter, useNow());
  return (
    <div className="stack close">
      {warning !== null && (
        <Banner tone="warning" icon={TriangleAlert}>
          {warning}
        </Banner>
      )}
      <Facts
        facts={[
          ['Subject', subject],
          ['Issuer', issuer],
          ['Expires', <Time key="expires" at={notAfter} isWhole />],
          [
            'Fingerprint',
            <span key="fingerprint" className="mono small">
              {fingerprint}
            </span>,
          ],
        ]}
      />
    </div>
  );
}
