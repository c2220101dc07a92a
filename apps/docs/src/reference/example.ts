import { nameOf, type OpenApi, resolve, type Schema } from './document.js';

/** An example of a schema: its own, else one made of the examples of its parts. */
export function exampleOf(schema: Schema, document: OpenApi, parents: readonly string[] = []): unknown {
  const name = nameOf(schema);
  if (name !== null && parents.includes(name)) return {};
  const within = name === null ? parents : [...parents, name];
  const shape = resolve(schema, document);
  if (shape.example !== undefined) return shape.example;
  if (shape.examples?.[0] !== undefined) return shape.examples[0];
  if (shape.const !== undefined) return shape.const;
  if (shape.default !== undefined) return shape.default;
  if (shape.enum) return shape.enum[0];
  const choices = shape.anyOf ?? shape.oneOf;
  if (choices?.[0]) return exampleOf(choices[0], document, within);
  if (shape.allOf) return Object.assign({}, ...shape.allOf.map((part) => exampleOf(part, document, within)));
  if (shape.items) return [exampleOf(shape.items, document, within)];
  const parts = Object.entries(shape.properties ?? {}).map(([key, part]) => [key, exampleOf(part, document, within)]);
  if (parts.length > 0) return Object.fromEntries(parts);
  return plainExample(shape);
}

function plainExample({ type, format, minimum }: Schema): unknown {
  switch (Array.isArray(type) ? type[0] : type) {
    case 'string':
      return format === 'date-time' ? '2026-11-21T18:55:00.000Z' : 'text';
    case 'integer':
    case 'number':
      return minimum !== undefined && minimum > 0 ? minimum : 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return null;
  }
}
