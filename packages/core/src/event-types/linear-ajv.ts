import { _, Ajv2020 } from 'ajv/dist/2020.js';
import { compilePattern, isObject } from './schema-keywords.js';

/** Limit for the work of one validation. A unit takes about 20 ns, so this takes about 50 ms. The largest payload has 130,000 values. */
const MAX_WORK = 2_500_000;
/** The keyword that counts the work of the schema that contains it. */
export const COST = 'x-posthorn-cost';

/** A validation would take longer than any payload may. */
export class TooMuchWork extends Error {}

let left = Infinity;

/** Runs a validation. Throws TooMuchWork when it has done the work of MAX_WORK, so a schema cannot block the event loop. */
export function withinLimit<T>(validate: () => T): T {
  left = MAX_WORK;
  try {
    return validate();
  } catch (error) {
    // Payloads are nested at most 100 deep, but each level may refer to many schemas.
    if (error instanceof RangeError) throw new TooMuchWork('the schema refers to itself too often', { cause: error });
    throw error;
  } finally {
    left = Infinity;
  }
}

function work(units: number): void {
  left -= units;
  if (left < 0) throw new TooMuchWork('the validation has reached its limit');
}

function workOn(cost: number, value: unknown): void {
  work(cost + sizeOf(value));
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length >> 1;
  if (Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length * 2 : 0;
}

let shared: Ajv2020 | null = null;

/** Ajv with everything that is not linear replaced: patterns are RE2's, and uniqueItems compares texts. Formats document, they do
 *  not validate. Made on first use, since most processes never validate. */
export function linearAjv(): Ajv2020 {
  return (shared ??= makeAjv());
}

function makeAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    logger: false,
    messages: false,
    validateSchema: false,
    validateFormats: false,
    addUsedSchema: false,
    // A payload has only its own fields: `constructor` is absent.
    ownProperties: true,
    // Many references to one large schema would generate its code many times.
    inlineRefs: false,
    code: { optimize: false, regExp: Object.assign(linearRegExp, { code: 'linearRegExp' }) },
  });
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: hasUniqueItems });
  ajv.addKeyword({
    keyword: COST,
    before: ajv.RULES.rules.find(({ type }) => type === undefined)?.rules[0]?.keyword ?? '$ref',
    code({ gen, schema, data }) {
      gen.code(_`${gen.scopeValue('func', { ref: workOn })}(${schema}, ${data})`);
    },
  });
  return ajv;
}

function linearRegExp(pattern: string) {
  const { matches, size } = compilePattern(pattern);
  return {
    test(text: string): boolean {
      work(text.length * (size + 3) + 20);
      return matches(text);
    },
    toString: () => pattern, // Ajv's key of the pattern
  };
}

function hasUniqueItems(isOn: boolean, items: unknown[]): boolean {
  if (!isOn) return true;
  const seen = new Set<string>();
  return items.every((item) => seen.size < seen.add(canonical(item)).size);
}

/** The same text for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  work(20);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const fields = Object.keys(value).toSorted();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`;
}
