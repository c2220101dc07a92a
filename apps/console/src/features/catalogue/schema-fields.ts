/** A field of a payload, for a table. */
export interface SchemaField {
  /** `lines[].sku` */
  path: string;
  /** `string`, `string or null`; empty: any. */
  type: string;
  isRequired: boolean;
  description: string;
  /** What values are allowed, beyond the type. */
  rules: string[];
}

type Schema = Record<string, unknown>;

/** Rows of the table. */
const MAX_FIELDS = 200;
const MAX_DEPTH = 12;
/** Schemas that are read for one table. References may double at each step, so counting rows is not enough. */
const MAX_READ = 10_000;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A schema, and the references that led to it. */
interface Place {
  schema: Schema;
  refs: readonly string[];
}

/** Lists the fields that a JSON Schema describes, in its order. `isCut`: there are more, because the schema refers to itself or is very
 *  large. */
export function schemaFields(root: Schema): { fields: SchemaField[]; isCut: boolean } {
  const fields = new Map<string, SchemaField>();
  let isCut = false;
  let left = MAX_READ;

  function visit(schema: unknown, path: string, refs: readonly string[]): void {
    const parts = partsOf(schema, refs);
    const required = new Set(parts.flatMap((part) => listIn(part.schema, 'required')));
    for (const part of parts) {
      const { properties, items } = part.schema;
      for (const [name, child] of Object.entries(isSchema(properties) ? properties : {})) {
        add(child, { path: path === '' ? name : `${path}.${name}`, isRequired: required.has(name), refs: part.refs });
      }
      if (isSchema(items)) visit(items, `${path}[]`, part.refs);
      for (const child of alternativesOf(part.schema)) visit(child, path, part.refs);
    }
  }

  function add(
    schema: unknown,
    { path, isRequired, refs }: { path: string; isRequired: boolean; refs: readonly string[] },
  ): void {
    if (!fields.has(path)) {
      if (fields.size >= MAX_FIELDS || path.split(/\.|\[/).length > MAX_DEPTH) {
        isCut = true;
        return;
      }
      const parts = partsOf(schema, refs).map((part) => part.schema);
      fields.set(path, {
        path,
        type: typeOf(schema, refs),
        isRequired,
        description: textOf(parts, 'description') ?? textOf(parts, 'title') ?? '',
        rules: parts.flatMap(rulesOf),
      });
    }
    visit(schema, path, refs);
  }

  /** Returns the schema with all that applies to the same value: the target of its $ref, and its allOf. */
  function partsOf(schema: unknown, refs: readonly string[]): Place[] {
    if (!isSchema(schema)) return [];
    const ref = schema['$ref'];
    left -= 1;
    if (left < 0 || (typeof ref === 'string' && refs.includes(ref))) {
      isCut = true;
      return [];
    }
    return [
      { schema, refs },
      ...(typeof ref === 'string' ? partsOf(lookUp(root, ref), [...refs, ref]) : []),
      ...listIn(schema, 'allOf').flatMap((child) => partsOf(child, refs)),
    ];
  }

  function typeOf(schema: unknown, refs: readonly string[]): string {
    const parts = partsOf(schema, refs);
    const typed = parts.find((part) => part.schema['type'] !== undefined);
    const types = typed
      ? [typed.schema['type']].flat()
      : parts.flatMap((part) => alternativesOf(part.schema).map((one) => typeOf(one, part.refs)));
    const list = parts.find((part) => isSchema(part.schema['items']));
    const of = list ? typeOf(list.schema['items'], list.refs) : '';
    return [...new Set(types.map(String))]
      .filter((name) => name !== '')
      .map((name) => (name === 'array' && of !== '' ? `array of ${of}` : name))
      .join(' or ');
  }

  visit(root, '', []);
  return { fields: [...fields.values()], isCut };
}

function listIn(schema: Schema, keyword: string): unknown[] {
  const list = schema[keyword];
  return Array.isArray(list) ? list : [];
}

const alternativesOf = (schema: Schema): unknown[] => [...listIn(schema, 'anyOf'), ...listIn(schema, 'oneOf')];

function lookUp(root: Schema, ref: string): unknown {
  let found: unknown = root;
  for (const key of ref.split('/').slice(1)) {
    const name = unescape(key);
    found = isSchema(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return ref.startsWith('#') ? found : undefined;
}

function unescape(key: string): string {
  try {
    return decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return key;
  }
}

function textOf(parts: Schema[], keyword: string): string | null {
  const found = parts.find((part) => typeof part[keyword] === 'string')?.[keyword];
  return typeof found === 'string' ? found : null;
}

const RULES: Record<string, (value: string) => string> = {
  const: (value) => `always ${value}`,
  format: (value) => `format ${value}`,
  pattern: (value) => `pattern ${value}`,
  minimum: (value) => `≥ ${value}`,
  exclusiveMinimum: (value) => `> ${value}`,
  maximum: (value) => `≤ ${value}`,
  exclusiveMaximum: (value) => `< ${value}`,
  multipleOf: (value) => `a multiple of ${value}`,
  minLength: (value) => `at least ${value} characters`,
  maxLength: (value) => `at most ${value} characters`,
  minItems: (value) => `at least ${value} elements`,
  maxItems: (value) => `at most ${value} elements`,
  default: (value) => `default ${value}`,
};

const MAX_VALUES = 20;

function rulesOf(part: Schema): string[] {
  const values = listIn(part, 'enum');
  const shown = values.slice(0, MAX_VALUES).map((value) => JSON.stringify(value));
  const more = values.length > MAX_VALUES ? [`… (${values.length} values)`] : [];
  return [
    ...(values.length > 0 ? [`one of ${[...shown, ...more].join(', ')}`] : []),
    ...Object.entries(RULES).flatMap(([keyword, write]) => {
      const value = part[keyword];
      if (value === undefined) return [];
      return [
        write(
          typeof value === 'string' && keyword !== 'const' && keyword !== 'default' ? value : JSON.stringify(value),
        ),
      ];
    }),
    ...(part['deprecated'] === true ? ['deprecated'] : []),
  ];
}
