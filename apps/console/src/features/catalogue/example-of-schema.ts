import { prettyJson } from '../../api/json.js';

/** Makes an example payload from a JSON Schema, as text: from its own examples, defaults and choices, else values of the right type.
 *  Throws an Error that says why there is none. */
export async function exampleOfSchema(schema: object): Promise<string> {
  // Rarely needed, so it is not part of the first load.
  const { sample } = await import('openapi-sampler');
  const example: unknown = sample(schema, { quiet: true, enablePatterns: true }, schema);
  if (typeof example !== 'object' || example === null || Array.isArray(example)) {
    throw new Error('This schema does not describe an object, but a payload is one.');
  }
  return prettyJson(JSON.stringify(example));
}
