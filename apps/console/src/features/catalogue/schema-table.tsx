import { OutsideText } from '../../components/outside-text.js';
import { Table, tight } from '../../components/table.js';
import { schemaFields } from './schema-fields.js';

/** The fields that a schema describes, for people. */
export function SchemaTable({ schema }: { schema: Record<string, unknown> }) {
  const { fields, isCut } = schemaFields(schema);
  if (fields.length === 0) return null;
  return (
    <>
      <Table caption="Fields of the payload" columns={['Field', 'Type', tight('Required'), 'Description']}>
        {fields.map(({ path, type, isRequired, description, rules }) => (
          <tr key={path}>
            <td data-label="Field" className="mono">
              <OutsideText text={path} />
            </td>
            <td data-label="Type">{type || 'any'}</td>
            <td data-label="Required">{isRequired ? 'Yes' : 'No'}</td>
            <td data-label="Description">
              <OutsideText text={description} />
              {rules.length > 0 && (
                <div className="small muted">
                  <OutsideText text={rules.join(' · ')} />
                </div>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {isCut && <p className="small muted">The schema has further fields, which are not listed here.</p>}
    </>
  );
}
