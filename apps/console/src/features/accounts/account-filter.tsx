import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { TextFilter } from '../../components/text-filter.js';
import { useDelayed } from '../../components/use-delayed.js';
import { accountSearchQuery } from '../../queries/accounts.js';

/** A filter by the ids of accounts, separated by commas. Suggests the accounts whose id or name begins with the typed text. */
export function AccountFilter(filter: { label: string; value: string | undefined; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState('');
  const [, before = '', last = ''] = /^(.*,\s*)?(.*)$/.exec(useDelayed(typed)) ?? [];
  const { data } = useQuery({ ...accountSearchQuery(last), enabled: last !== '' });
  return (
    <TextFilter
      {...filter}
      onType={setTyped}
      // The browser compares an option with the whole text.
      suggestions={(data?.data ?? []).map(({ id, name }) => ({
        value: before + id,
        ...(name !== null && { label: before + name }),
      }))}
    />
  );
}
