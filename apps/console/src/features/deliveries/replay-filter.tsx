import { useQuery } from '@tanstack/react-query';
import { Select } from '../../components/select.js';
import { shortTime, useZone } from '../../components/zone.js';
import { replaysQuery } from '../../queries/replays.js';
import { REPLAY_WORDS } from '../../components/replay-words.js';

/** A filter by one of the newest replays of the account. A link may set another one. */
export function ReplayFilter({
  account,
  value,
  onChange,
}: {
  account: string;
  value: string | undefined;
  onChange: (value: string) => void;
}) {
  const zone = useZone();
  const { data } = useQuery(replaysQuery(account, {}));
  const newest = (data?.data ?? []).map(
    ({ id, which, createdAt }) => [id, `${REPLAY_WORDS[which]}, ${shortTime(createdAt, zone)}`] as const,
  );
  const isKnown = !value || newest.some(([id]) => id === value);
  return (
    <Select label="Replay" value={value} onChange={onChange}>
      {isKnown ? newest : [[value, 'One replay'], ...newest]}
    </Select>
  );
}
