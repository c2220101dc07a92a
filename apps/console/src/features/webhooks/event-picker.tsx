import { type EventType, isForOperatorsOnly, type Session } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { eventTypesQuery } from '../../queries/catalogue.js';
import { useSession } from '../session/session.js';
import { Loaded } from '../../components/states.js';
import './event-picker.css';

/** Whether customers can choose the type. They cannot choose one that only the operations account gets. */
export const isOffered = ({ name }: EventType, kind: Session['kind']): boolean =>
  kind === 'operator' || !isForOperatorsOnly(name);

/** Chooses the event types of a webhook: all (an empty list), groups (`message:*`) or single types. The choice between all and some is there
 *  before the types have loaded, so that nothing below moves away from under the pointer. */
export function EventPicker({ value, onChange }: { value: string[]; onChange: (value: string[]) => void }) {
  const types = useQuery(eventTypesQuery);
  const { kind } = useSession();
  const offered = types.data?.data.filter((type) => isOffered(type, kind) || value.includes(type.name));
  const first = offered?.find(({ operational }) => !operational)?.name;
  const isSelected = value.length > 0;
  return (
    <fieldset className="field">
      <legend className="label">Events</legend>
      <label className="choice">
        <input type="radio" checked={!isSelected} onChange={() => onChange([])} />
        <span>All events, including future ones</span>
      </label>
      <label className="choice">
        <input
          type="radio"
          checked={isSelected}
          disabled={!isSelected && first === undefined}
          onChange={() => first !== undefined && onChange([first])}
        />
        <span>Selected events</span>
      </label>
      {(isSelected || types.isError) && (
        <Loaded query={types} what="event types" lines={3}>
          {() => isSelected && <TypeList types={offered ?? []} value={value} onChange={onChange} />}
        </Loaded>
      )}
    </fieldset>
  );
}

function TypeList({
  types,
  value,
  onChange,
}: {
  types: EventType[];
  value: string[];
  onChange: (value: string[]) => void;
}) {
  const notifications = types.filter(({ operational }) => operational);
  const groups = Map.groupBy(
    types.filter(({ operational }) => !operational),
    ({ name }) => name.split(':')[0] ?? name,
  );
  const toggle = (pattern: string, isChosen: boolean) =>
    onChange(isChosen ? [...value, pattern] : value.filter((one) => one !== pattern));
  return (
    <ul className="event-groups">
      {[...groups].map(([group, members]) => {
        const all = `${group}:*`;
        const isAll = value.includes(all);
        return (
          <li key={group}>
            <label className="choice">
              <input type="checkbox" checked={isAll} onChange={(event) => toggle(all, event.target.checked)} />
              <span>
                <code>{all}</code> <span className="muted small">whole group</span>
              </span>
            </label>
            {members.map((type) => (
              <TypeChoice
                key={type.name}
                type={type}
                isChosen={isAll || value.includes(type.name)}
                isDisabled={isAll}
                onChange={(isWanted) => toggle(type.name, isWanted)}
              />
            ))}
          </li>
        );
      })}
      {notifications.length > 0 && (
        <li>
          <span className="small muted">Notifications about your other webhooks</span>
          {notifications.map((type) => (
            <TypeChoice
              key={type.name}
              type={type}
              isChosen={value.includes(type.name)}
              onChange={(isWanted) => toggle(type.name, isWanted)}
            />
          ))}
        </li>
      )}
    </ul>
  );
}

function TypeChoice({
  type: { name, deprecated },
  isChosen,
  isDisabled = false,
  onChange,
}: {
  type: EventType;
  isChosen: boolean;
  isDisabled?: boolean;
  onChange: (isWanted: boolean) => void;
}) {
  return (
    <label className="choice nested">
      <input
        type="checkbox"
        checked={isChosen}
        disabled={isDisabled}
        onChange={({ target }) => onChange(target.checked)}
      />
      <span>
        <code>{name}</code>
        {deprecated && <span className="muted small"> deprecated</span>}
      </span>
    </label>
  );
}
