import fc from 'fast-check';

/** The parts of JSON Schema that the document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  examples?: unknown[];
}

/** Generates values that match a schema of the document. Often uses its examples, which get further into a handler than random
 *  letters. */
export function openValues(document: { components: { schemas: Record<string, unknown> } }) {
  const resolve = ({ $ref, ...schema }: Schema): Schema =>
    $ref === undefined ? schema : resolve(document.components.schemas[$ref.replace('#/components/schemas/', '')] ?? {});

  return valuesOf;

  function valuesOf(given: Schema): fc.Arbitrary<unknown> {
    const schema = resolve(given);
    const examples = (schema.examples ?? []).filter((example) => typeof example !== 'object');
    const plain = plainValues(schema);
    return examples.length === 0
      ? plain
      : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...examples) }, { weight: 1, arbitrary: plain });
  }

  function plainValues(schema: Schema): fc.Arbitrary<unknown> {
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return fc.oneof(...choices.map(valuesOf));
    const { type } = schema;
    if (Array.isArray(type)) return fc.oneof(...type.map((one) => plainValues({ ...schema, type: one })));
    switch (type) {
      case 'object':
        return objects(schema);
      case 'array':
        return fc.array(valuesOf(schema.items ?? {}), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 3),
        });
      case 'string':
        return strings(schema);
      case 'integer':
        return fc.integer({ min: schema.minimum ?? -1_000, max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1) });
      case 'number':
        return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  function objects({ properties = {}, required = [], additionalProperties, examples = [] }: Schema) {
    const example = (examples[0] ?? {}) as Record<string, unknown>;
    const members = Object.entries(properties).map(([name, schema]) => {
      const values = valuesOf(schema);
      return [name, name in example ? fc.oneof(fc.constant(example[name]), values) : values] as const;
    });
    const known = fc.record(Object.fromEntries(members), { requiredKeys: required });
    if (additionalProperties === undefined || additionalProperties === false) return known;
    const values = additionalProperties === true ? fc.jsonValue({ maxDepth: 2 }) : valuesOf(additionalProperties);
    return fc
      .tuple(known, fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), values, { maxKeys: 3 }))
      .map(([own, more]) => ({ ...more, ...own }));
  }

  function strings({ pattern, format, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
    const fits = (text: string) => text.length >= minLength && text.length <= maxLength;
    if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
    if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern)).filter(fits);
    return fc.oneof(
      fc.string({ unit: letters, minLength, maxLength: Math.min(maxLength, 40) }).filter(fits),
      fc.webUrl().filter(fits),
    );
  }
}

/** Some characters of every kind that UTF-8 can encode. fast-check's own graphemes take seconds to initialize. */
export const letters = fc.constantFrom(
  ...Array.from('aZ09 _-.:/%&=?#+*"\'\\<>{}[]\n\t\u0001\u007fäßЖ中e\u0301\u202e\ufeff'),
  '😀',
  '🏳️‍🌈',
);

/** Values that match no schema. */
const WEIRD: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e21,
  Number.MAX_SAFE_INTEGER + 2,
  2_147_483_648,
  -0,
  '',
  ' ',
  'a\0b',
  '\ud800',
  '\udc00\ud800',
  '\u202e',
  '😀',
  '🏳️‍🌈'.repeat(20),
  'x'.repeat(5_000),
  "'; DROP TABLE events; --",
  '../../etc/passwd',
  '%00',
  '9999-12-31T23:59:59.999Z',
  '+275760-09-13T00:00:00.000Z',
  '0000-01-01T00:00:00Z',
  'http://127.0.0.1/',
  'https://user:pass@example.com/',
  [],
  [[]],
  [null],
  {},
  { '': '' },
  { toString: 1, hasOwnProperty: null, length: -1 },
  { constructor: { prototype: {} } },
];
export const weirdValues = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...WEIRD) },
  { weight: 1, arbitrary: fc.jsonValue() },
);

type Change = (holder: Record<string, unknown>, key: string) => void;

/** A value with one change: a part is replaced by a strange value, removed, wrapped, or another part is added. */
export const nearly = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(values, fc.nat(), fc.constantFrom('replace', 'drop', 'wrap', 'add'), weirdValues)
    .map(([value, at, how, weird]) => {
      const holder = structuredClone({ root: value }) as Record<string, unknown>;
      const places = [...placesIn(holder)];
      const [inside, key] = places[at % places.length] ?? [holder, 'root'];
      CHANGES(weird)[how]?.(inside, key);
      return holder['root'];
    });

const CHANGES = (weird: unknown): Record<string, Change> => ({
  replace: (holder, key) => void (holder[key] = weird),
  drop: (holder, key) => void delete holder[key],
  wrap: (holder, key) => void (holder[key] = [holder[key]]),
  add: (holder, key) =>
    void (typeof holder[key] === 'object' && holder[key] !== null
      ? ((holder[key] as Record<string, unknown>)['unforeseen'] = weird)
      : (holder[key] = { unforeseen: weird })),
});

function* placesIn(holder: Record<string, unknown>): Generator<[Record<string, unknown>, string]> {
  for (const [key, value] of Object.entries(holder)) {
    yield [holder, key];
    if (typeof value === 'object' && value !== null) yield* placesIn(value as Record<string, unknown>);
  }
}
