import { expect, it } from 'vitest';
import { z } from 'zod';
import * as contract from './index.js';

const shapes = Object.entries<unknown>(contract).flatMap(([name, schema]) =>
  schema instanceof z.ZodType ? [{ name, schema }] : [],
);
const examples = shapes.flatMap(({ name, schema }) => {
  const { examples: given } = schema.meta() ?? {};
  return (Array.isArray(given) ? given : []).map((example: unknown) => ({ name, schema, example }));
});

it('has examples', () => {
  expect(examples.length).toBeGreaterThan(15);
});

it.each(examples)('accepts the example of $name', ({ schema, example }) => {
  expect(schema.safeParse(example).error?.issues).toBeUndefined();
});

it('describes every field of every schema', () => {
  const undescribed = shapes.flatMap(({ name, schema }) => {
    const json = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' });
    const own = json.$ref?.startsWith('#/$defs/') ? json.$defs?.[json.$ref.slice('#/$defs/'.length)] : json;
    return Object.entries(own?.properties ?? {})
      .filter(([, field]) => typeof field === 'object' && !field.description && !field.$ref)
      .map(([field]) => `${name}.${field}`);
  });
  expect(undescribed).toEqual([]);
});
