import type { EventType, PutEventType } from '@posthorn/contract';
import { type FormEvent, useState } from 'react';
import { useAct } from '../../api/act.js';
import { ApiProblem } from '../../api/call.js';
import { prettyJson, readJsonObject } from '../../api/json.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Field } from '../../components/field.js';
import { TextArea } from '../../components/text-area.js';
import { useSay } from '../../components/toasts.js';

export const eventTypePath = (name: string): string => `/v1/event-types/${encodeURIComponent(name)}`;

/** Adds an event type to the catalogue, or (`of`) changes one. */
export function EventTypeForm({
  of,
  onClose,
  onDone,
}: {
  of?: EventType;
  onClose: () => void;
  onDone?: (name: string) => void;
}) {
  const [name, setName] = useState(of?.name ?? '');
  const [description, setDescription] = useState(of?.description ?? '');
  const [example, setExample] = useState(textOf(of?.example));
  const [schema, setSchema] = useState(textOf(of?.schema));
  const [isDeprecated, setIsDeprecated] = useState(of?.deprecated ?? false);
  const [isAsked, setIsAsked] = useState(false);
  const say = useSay();
  const put = useAct<EventType, PutEventType>({
    method: 'PUT',
    path: eventTypePath(name.trim()),
    touches: ['event-types'],
    isQuiet: true,
    onDone() {
      say(of ? 'Event type saved.' : 'Event type added.');
      onClose();
      onDone?.(name.trim());
    },
  });
  const refused = put.error instanceof ApiProblem ? put.error : null;
  const read = { example: readJsonObject(example), schema: readJsonObject(schema) };
  const problemOf = (field: 'example' | 'schema') =>
    isAsked && 'problem' in read[field] ? read[field].problem : refused?.fields.get(field);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsAsked(true);
    if (name.trim() === '' || 'problem' in read.example || 'problem' in read.schema) return;
    put.mutate({
      description: description.trim() || null,
      example: read.example.value as PutEventType['example'],
      schema: read.schema.value as PutEventType['schema'],
      deprecated: isDeprecated,
    });
  };
  const isElsewhere =
    refused && !['name', 'example', 'schema', 'description'].some((field) => refused.fields.has(field));
  return (
    <Dialog title={of ? `Change ${of.name}` : 'Add event type'} onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        {!of && (
          <Field
            label="Name"
            value={name}
            autoFocus
            autoComplete="off"
            help="Such as order:shipped. A webhook can ask for it, or for its whole group, order:*."
            error={isAsked && name.trim() === '' ? 'Enter a name, such as order:shipped.' : refused?.fields.get('name')}
            onChange={({ target }) => setName(target.value)}
          />
        )}
        <TextArea
          label="Description"
          className="prose"
          rows={3}
          value={description}
          help="For people: when it is published, and what it says."
          error={refused?.fields.get('description')}
          onChange={({ target }) => setDescription(target.value)}
        />
        <TextArea
          label="Example payload"
          rows={8}
          spellCheck={false}
          value={example}
          help="A JSON object as it may come. A test event sends it."
          error={problemOf('example')}
          onChange={({ target }) => setExample(target.value)}
        />
        <TextArea
          label="JSON Schema of the payload"
          rows={6}
          spellCheck={false}
          value={schema}
          help="For people and tools: events are not checked against it. It may stay empty."
          error={problemOf('schema')}
          onChange={({ target }) => setSchema(target.value)}
        />
        <label className="choice">
          <input type="checkbox" checked={isDeprecated} onChange={({ target }) => setIsDeprecated(target.checked)} />
          <span>
            Deprecated <span className="muted small">still published, but nobody new should rely on it</span>
          </span>
        </label>
        {(isElsewhere || (put.error && !refused)) && (
          <p className="error" role="alert">
            {put.error?.message}
          </p>
        )}
        <div className="row">
          <Button type="submit" look="primary" isPending={put.isPending}>
            {of ? 'Save' : 'Add event type'}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

const textOf = (value: object | null | undefined): string => (value ? prettyJson(JSON.stringify(value)) : '');
