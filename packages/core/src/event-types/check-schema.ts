import { linearAjv } from './linear-ajv.js';
import { describeIssue } from './describe-mismatch.js';
import {
  childrenOf,
  compilePattern,
  escapePointer,
  INSTEAD,
  isObject,
  KEYWORDS,
  pointerTo,
  type Schema,
} from './schema-keywords.js';

/** Where a schema is wrong, as a JSON pointer ('' is its top), and what to write there. */
export interface SchemaFault {
  pointer: string;
  message: string;
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
const MAX_DEPTH = 50;
const MAX_SCHEMAS = 5_000;
/** Ajv generates code for each schema within a schema. So many take about 0.1 s, once per version and process. */
const MAX_ENFORCED_SCHEMAS = 400;
/** The instructions of all patterns together. */
const MAX_PATTERNS_SIZE = 5_000;

/** Returns what is wrong with a JSON Schema 2020-12, or null. Nothing is fetched, and nothing in it can make a validation
 *  take more than linear time: see compile-schema.ts. `isEnforced`: publishes are validated against it. */
export function checkSchema(
  schema: Record<string, unknown>,
  { isEnforced }: { isEnforced: boolean },
): SchemaFault | null {
  try {
    const places = collect(schema);
    if (isEnforced && places.size > MAX_ENFORCED_SCHEMAS) {
      fault(
        '',
        `has ${places.size} schemas within it, and at most ${MAX_ENFORCED_SCHEMAS} can be enforced: simplify it, or set enforcement to off`,
      );
    }
    checkValues(schema);
    checkPatterns(places);
    checkRefs(places);
    return null;
  } catch (error) {
    if (error instanceof Faulty) return error.fault;
    throw error;
  }
}

class Faulty extends Error {
  readonly fault: SchemaFault;
  constructor(fault_: SchemaFault) {
    super(fault_.message);
    this.fault = fault_;
  }
}

function fault(pointer: string, message: string): never {
  throw new Faulty({ pointer, message });
}

/** Every schema within a schema, by its pointer. */
type Places = Map<string, Schema>;

function collect(root: Record<string, unknown>): Places {
  const places: Places = new Map();
  const visit = (value: unknown, at: string, depth: number): void => {
    if (typeof value !== 'boolean' && !isObject(value)) fault(at, 'must be a schema: a JSON object, true or false');
    if (depth > MAX_DEPTH) fault(at, `must be nested at most ${MAX_DEPTH} schemas deep: move parts of it to $defs`);
    places.set(at, value);
    if (places.size > MAX_SCHEMAS) fault('', `must have at most ${MAX_SCHEMAS.toLocaleString('en')} schemas within it`);
    if (typeof value === 'boolean') return;
    for (const name of Object.keys(value)) checkKeyword(name, at);
    for (const found of childrenOf(value)) visit(found.child, pointerTo(at, found), depth + 1);
  };
  visit(root, '', 0);
  return places;
}

function checkKeyword(name: string, at: string): void {
  const instead = INSTEAD.get(name);
  if (instead !== undefined) fault(pointerTo(at, { keyword: name, key: null }), `is not supported: ${instead}`);
  if (name === '$id' && at !== '')
    fault(`${at}/$id`, 'is only allowed at the top: refer to this schema by its place, such as #/$defs/address');
  if (KEYWORDS.has(name) || name.startsWith('x-')) return;
  fault(
    pointerTo(at, { keyword: name, key: null }),
    'is not a keyword of JSON Schema 2020-12: correct its name, or begin it with x-',
  );
}

/** The values of keywords, by the schema of all schemas. */
function checkValues(schema: Record<string, unknown>): void {
  const { $schema } = schema;
  if ($schema !== undefined && $schema !== DIALECT && $schema !== `${DIALECT}#`) {
    fault('/$schema', `must be ${DIALECT}: convert the schema, or remove $schema if it is valid in that version`);
  }
  const ajv = linearAjv();
  if (ajv.validateSchema({ ...schema, $schema: DIALECT }) === true) return;
  const [first] = ajv.errors ?? [];
  if (!first) return;
  const { path, message } = describeIssue(first);
  fault(path.map((key) => `/${escapePointer(key)}`).join(''), message);
}

function checkPatterns(places: Places): void {
  const sizes = new Map<string, number>();
  const check = (pattern: string, at: string): void => {
    if (sizes.has(pattern)) return;
    try {
      sizes.set(pattern, compilePattern(pattern).size);
    } catch (error) {
      fault(at, error instanceof Error ? error.message : 'is not a pattern');
    }
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    if (total > MAX_PATTERNS_SIZE)
      fault(at, 'makes all patterns together too large: use maxLength for long repetitions');
  };
  for (const [at, schema] of places) {
    if (typeof schema === 'boolean') continue;
    if (typeof schema['pattern'] === 'string') check(schema['pattern'], `${at}/pattern`);
    for (const pattern of Object.keys(isObject(schema['patternProperties']) ? schema['patternProperties'] : {})) {
      check(pattern, pointerTo(at, { keyword: 'patternProperties', key: pattern }));
    }
  }
}

/** Every $ref must lead to a schema within this one, and not back to itself for the same value. */
function checkRefs(places: Places): void {
  const anchors = new Map<string, string>();
  for (const [at, schema] of places) {
    if (typeof schema === 'object' && typeof schema['$anchor'] === 'string') {
      if (anchors.has(schema['$anchor'])) fault(`${at}/$anchor`, 'is used twice: choose another name');
      anchors.set(schema['$anchor'], at);
    }
  }
  const targets = new Map<string, string>();
  for (const [at, schema] of places) {
    if (typeof schema === 'boolean' || typeof schema['$ref'] !== 'string') continue;
    targets.set(at, targetOf(schema['$ref'], { at: `${at}/$ref`, places, anchors }));
  }
  refuseLoops(places, targets);
}

function targetOf(
  ref: string,
  { at, places, anchors }: { at: string; places: Places; anchors: Map<string, string> },
): string {
  if (!ref.startsWith('#'))
    fault(at, 'must begin with #: nothing is fetched, so move the schema to $defs, such as #/$defs/address');
  const fragment = decoded(ref.slice(1)) ?? fault(at, 'has an invalid % escape');
  const target = fragment === '' || fragment.startsWith('/') ? fragment : anchors.get(fragment);
  if (target === undefined || !places.has(target)) fault(at, `leads to no schema: there is none at ${ref}`);
  return target;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

const SAME_VALUE = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas']);

/** Such a loop would never end: the schema applies to the same value again. */
function refuseLoops(places: Places, targets: Map<string, string>): void {
  const done = new Set<string>();
  const open = new Set<string>();
  const visit = (at: string): void => {
    if (done.has(at)) return;
    if (open.has(at)) fault(at, 'refers to itself for the same value, which never ends: remove one of the $ref');
    open.add(at);
    const schema = places.get(at);
    const target = targets.get(at);
    if (target !== undefined) visit(target);
    for (const found of isObject(schema) ? childrenOf(schema) : []) {
      if (SAME_VALUE.has(found.keyword)) visit(pointerTo(at, found));
    }
    open.delete(at);
    done.add(at);
  };
  for (const at of places.keys()) visit(at);
}
