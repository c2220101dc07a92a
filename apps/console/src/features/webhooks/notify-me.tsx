import { AddEmailRecipient, type EmailRecipient, type EmailRecipients } from '@posthorn/contract';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { Mail } from 'lucide-react';
import * as z from 'zod';
import { accountPath } from '../../api/account-path.js';
import { useAction } from '../../components/action.js';
import { call } from '../../api/call.js';
import { Button } from '../../components/button.js';
import { Field } from '../../components/field.js';
import { fieldOf, FormError, showRefusal, trimmed, useSchemaForm } from '../../components/form.js';
import { Pill } from '../../components/pill.js';
import { useMay } from '../session/session.js';
import './notify-me.css';

const touches = (account: string) => ['accounts', account, 'email-recipients'];
const pathOf = (account: string) => `${accountPath(account)}/email-recipients`;

const recipientsQuery = (account: string) =>
  queryOptions({
    queryKey: touches(account),
    queryFn: ({ signal }) => call<EmailRecipients>('GET', pathOf(account), undefined, signal),
  });

const Address = z.object({ address: trimmed(AddEmailRecipient.shape.address) });

/** Who gets an email when a webhook of the account fails, is disabled or recovers. Hidden without a mail server. */
export function NotifyMe({ account }: { account: string }) {
  const may = useMay();
  const recipients = useQuery({ ...recipientsQuery(account), enabled: may('subscriptions:read') });
  if (!recipients.data?.isAvailable) return null;
  return (
    <section className="panel stack" aria-labelledby="notify-me">
      <div className="stack tight">
        <h2 id="notify-me">Notify me</h2>
        <p className="muted">Get an email when a webhook keeps failing, is disabled or recovers.</p>
      </div>
      {recipients.data.data.length > 0 && (
        <ul className="recipients">
          {recipients.data.data.map((one) => (
            <Recipient key={one.id} account={account} recipient={one} />
          ))}
        </ul>
      )}
      {may('subscriptions:write') && <AddAddress account={account} />}
    </section>
  );
}

function Recipient({ account, recipient: { id, address, status } }: { account: string; recipient: EmailRecipient }) {
  const may = useMay();
  const remove = useAction<unknown>({ method: 'DELETE', path: `${pathOf(account)}/${id}`, touches: touches(account) });
  return (
    <li className="row">
      <Mail className="icon" aria-hidden />
      <bdi className="address">{address}</bdi>
      {status === 'unconfirmed' && <Pill tone="warning">Waiting for confirmation</Pill>}
      {may('subscriptions:write') && (
        <Button size="tiny" isPending={remove.isPending} onClick={() => remove.mutate(undefined)}>
          Stop emails<span className="visually-hidden"> to {address}</span>
        </Button>
      )}
    </li>
  );
}

function AddAddress({ account }: { account: string }) {
  const form = useSchemaForm(Address, { address: '' });
  const add = useAction<EmailRecipient, z.output<typeof Address>>({
    path: pathOf(account),
    touches: touches(account),
    onDone: () => form.reset(),
    onFail: (error) => showRefusal(form, error),
  });
  return (
    <form
      className="stack close"
      noValidate
      onSubmit={(event) => void form.handleSubmit((values) => add.mutate(values))(event)}
    >
      <Field
        label="Email address"
        type="email"
        autoComplete="email"
        help="We send an email with a link to confirm the address."
        {...fieldOf(form, 'address')}
      />
      <FormError form={form} />
      <div className="row">
        <Button type="submit" isPending={add.isPending}>
          Notify this address
        </Button>
      </div>
    </form>
  );
}
