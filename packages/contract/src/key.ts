import { z } from 'zod';
import { KeyId } from './id.js';
import { listOf } from './list.js';
import { SCOPES } from './scopes.js';
import { text, time, timeOrNull } from './text.js';

export const Scope = z.enum(SCOPES, { error: `must be one of ${SCOPES.join(', ')}` });
export type Scope = z.infer<typeof Scope>;

const keyFields = {
  id: KeyId,
  name: z.string().describe('Name for people, such as where the key is used.'),
  scopes: z.array(z.string()).describe('What the key may do.'),
  createdAt: time('When it was created.'),
};

export const Key = z
  .object({
    ...keyFields,
    lastUsedAt: timeOrNull('When it was last used, rounded to the minute. null: never.'),
  })
  .meta({ id: 'Key', description: 'A key of one account. The key itself is returned once, when it is created.' });
export type Key = z.infer<typeof Key>;

export const KeyList = listOf(Key, 'KeyList');

export const CreatedKey = z
  .object({ ...keyFields, key: z.string().describe('The key. Store it now: it is not returned again.') })
  .meta({ id: 'CreatedKey' });
export type CreatedKey = z.infer<typeof CreatedKey>;

export const CreateKey = z
  .strictObject({
    name: text(1, 200).describe('Name for people, such as where the key is used: 1 to 200 characters.'),
    scopes: z
      .array(Scope)
      .min(1, 'must name at least one scope; omit the field for all')
      .overwrite((scopes) => [...new Set(scopes)])
      .optional()
      .describe('What the key may do. Default: all scopes.'),
  })
  .meta({ id: 'CreateKey', examples: [{ name: 'CI', scopes: ['events:write'] }] });
export type CreateKey = z.infer<typeof CreateKey>;
