/** Returns an OpenAPI 3.1 document as 3.0, for generators that read only that, as far as Posthorn's document needs it: `null` in unions
 *  becomes `nullable`, `const` an enum, `examples` an `example`; webhooks are left out. */
export function toOpenApi30(document) {
  const converted = { ...convert(document), openapi: '3.0.3' };
  delete converted.webhooks;
  return converted;
}

function convert(value) {
  if (Array.isArray(value)) return value.map(convert);
  if (typeof value !== 'object' || value === null) return value;
  const converted = Object.fromEntries(Object.entries(value).map(([key, child]) => [key, convert(child)]));
  return isSchema(value) ? convertSchema(converted) : converted;
}

// Nothing else in the document has one of these.
const isSchema = (value) => ['type', 'anyOf', 'const', 'propertyNames', '$ref', 'examples'].some((key) => key in value);

function convertSchema({ $schema: _schema, propertyNames: _names, examples: _examples, const: constant, ...schema }) {
  if (constant !== undefined) return { ...schema, type: typeof constant, enum: [constant] };
  if (schema.type === 'null') return { ...schema, type: 'object', nullable: true };
  if (Array.isArray(schema.type)) {
    const [type = 'object', ...others] = schema.type.filter((name) => name !== 'null');
    if (others.length > 0)
      throw new Error(`a schema with the types ${schema.type.join(', ')} has no equivalent in OpenAPI 3.0`);
    return { ...schema, type, nullable: true };
  }
  for (const bound of ['Minimum', 'Maximum']) {
    const limit = schema[`exclusive${bound}`];
    if (typeof limit === 'number') schema = { ...schema, [bound.toLowerCase()]: limit, [`exclusive${bound}`]: true };
  }
  if (!schema.anyOf) return schema;
  const isNull = (option) => option.nullable === true && option.type === 'object' && Object.keys(option).length === 2;
  const options = schema.anyOf.filter((option) => !isNull(option));
  const nullable = options.length < schema.anyOf.length ? { nullable: true } : {};
  const { anyOf: _anyOf, ...rest } = schema;
  // A repeatable parameter: one value is an array with one value.
  const list = options.find(({ type, items }) => type === 'array' && options.length === 2 && items.type === 'string');
  if (list) return { ...rest, ...list };
  if (options.length !== 1) return { ...rest, anyOf: options, ...nullable };
  return '$ref' in options[0] ? { ...rest, allOf: options, ...nullable } : { ...options[0], ...rest, ...nullable };
}
