import { type EventType, EventTypeName, PutEventType } from '@posthorn/contract';
import * as z from 'zod';
import { useAction } from '../../components/action.js';
import { prettyJson, readJsonObject } from '../../api/json.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Field } from '../../components/field.js';
import { blankAsNull, fieldOf, FormError, showRefusal, trimmed, useSchemaForm } from '../../components/form.js';
import { TextArea } from '../../components/text-area.js';
import { useToast } from '../../components/toasts.js';
import { exampleOfSchema } from './example-of-schema.js';

export const eventTypePath = (name: string): string => `/v1/event-types/${encodeURIComponent(name)}`;

/** A JSON object as text. Numbers keep their spelling, so the API checks what is in it. */
const JsonText = z.string().transform((text, context): PutEventType['example'] => {
  const read = readJsonObject(text);
  if ('value' in read) return read.value as PutEventType['example'];
  context.addIssue(read.problem);
  return z.NEVER;
});

const Entry = z.object({
  name: trimmed(EventTypeName),
  description: blankAsNull(PutEventType.shape.description.unwrap()),
  example: JsonText,
  schema: JsonText,
  isEnforced: z.boolean(),
  deprecated: z.boolean(),
});

/** Adds an event type to the catalogue, or changes one. */
export function EventTypeForm({
  of,
  onClose,
  onDone,
}: {
  of?: EventType;
  onClose: () => void;
  onDone?: (name: string) => void;
}) {
  const form = useSchemaForm(Entry, {
    name: of?.name ?? '',
    description: of?.description ?? '',
    example: textOf(of?.example),
    schema: textOf(of?.schema),
    isEnforced: of?.enforcement === 'reject',
    deprecated: of?.deprecated ?? false,
  });
  const toast = useToast();
  const put = useAction<EventType, z.output<typeof Entry>>({
    method: 'PUT',
    path: ({ name }) => eventTypePath(name),
    body: ({ description, example, schema, isEnforced, deprecated }) => ({
      description,
      example,
      schema,
      enforcement: isEnforced ? 'reject' : 'off',
      deprecated,
    }),
    touches: ['event-types'],
    onDone(_, { name }) {
      toast(of ? 'Event type saved.' : 'Event type added.');
      onClose();
      onDone?.(name);
    },
    onFail: (error) => showRefusal(form, error),
  });
  const [example, schema] = form.watch(['example', 'schema']);
  const makeExample = async () => {
    if (!(await form.trigger('schema'))) return;
    try {
      form.setValue('example', await exampleOfSchema(JSON.parse(schema) as object));
    } catch (error) {
      form.setError('schema', { message: (error as Error).message });
    }
  };
  return (
    <Dialog title={of ? `Edit ${of.name}` : 'Add event type'} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => void form.handleSubmit((entry) => put.mutate(entry))(event)}
        noValidate
      >
        {!of && (
          <Field
            label="Name"
            autoFocus
            autoComplete="off"
            help="Such as order:shipped. A webhook subscribes to it, or to its whole group, order:*."
            {...fieldOf(form, 'name')}
          />
        )}
        <TextArea
          label="Description"
          className="prose"
          rows={3}
          help="When the event is published and what it contains."
          {...fieldOf(form, 'description')}
        />
        <TextArea
          label="Example payload"
          rows={8}
          spellCheck={false}
          help="A JSON object. A test event sends it."
          {...fieldOf(form, 'example')}
        />
        <TextArea
          label="JSON Schema of the payload"
          rows={6}
          spellCheck={false}
          help={`Describes the fields of the payload. ${of?.schemaVersion ? `This is version ${of.schemaVersion}; a change makes version ${of.schemaVersion + 1} or later.` : 'Optional.'}`}
          {...fieldOf(form, 'schema')}
        />
        {example.trim() === '' && schema.trim() !== '' && (
          <div className="row">
            <Button size="tiny" onClick={() => void makeExample()}>
              Make an example from the schema
            </Button>
          </div>
        )}
        <label className="choice">
          <input type="checkbox" {...form.register('isEnforced')} />
          <span>
            Enforce at publish <span className="muted small">the API refuses events that do not match the schema</span>
          </span>
        </label>
        <label className="choice">
          <input type="checkbox" {...form.register('deprecated')} />
          <span>
            Deprecated <span className="muted small">still published; new webhooks should not subscribe to it</span>
          </span>
        </label>
        <FormError form={form} />
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
