import { describeIssue } from './describe-mismatch.js';
import { COST, linearAjv, TooMuchWork, withinLimit } from './linear-ajv.js';
import { isObject, KEYWORDS, type Schema } from './schema-keywords.js';

/** Where a payload does not match: the keys that lead there, and what is required. */
export interface Issue {
  path: string[];
  message: string;
}

/** Returns what does not match, the outermost first and at most 20; empty if the payload matches. */
export type ValidatePayload = (payload: unknown) => Issue[];

const MAX_ISSUES = 20;

/** Compiles a schema that checkSchema has accepted.
 *
 *  A validation does bounded work (linear-ajv.ts): each schema that can apply to many values, or many times to one, counts its
 *  keywords and the size of the value. A payload beyond the limit is an issue, too. */
export function compileSchema(schema: Record<string, unknown>): ValidatePayload {
  const copy = withCosts(schema, 'start').schema;
  const validate = linearAjv().compile(copy);
  linearAjv().removeSchema(copy); // it would keep each schema forever
  return (payload) => {
    try {
      if (withinLimit(() => validate(payload))) return [];
    } catch (error) {
      if (error instanceof TooMuchWork) return [{ path: [], message: TOO_MUCH }];
      throw error;
    }
    const issues = (validate.errors ?? [])
      .toReversed()
      .filter(({ keyword }) => keyword !== 'if')
      .map(describeIssue);
    return issues.slice(0, MAX_ISSUES);
  };
}

const TOO_MUCH = 'takes too much work to validate: send a smaller payload, or ask an operator to simplify the schema';

/** How a schema is reached: `start`: through the top, a $ref or a loop, so it counts its own cost; `part`: once whenever the schema
 *  around it is, which counts for both. */
type Reached = 'start' | 'part';

/** Keywords whose schemas apply to each element or field. */
const LOOPS = new Set(
  'items contains unevaluatedItems additionalProperties unevaluatedProperties propertyNames patternProperties'.split(
    ' ',
  ),
);
/** Keywords whose own work grows with the value. */
const GROWING = new Set([...LOOPS, ...'uniqueItems minLength maxLength minProperties maxProperties'.split(' ')]);
const ANNOTATIONS = new Set(
  '$schema $id $comment title description default deprecated readOnly writeOnly examples format contentEncoding contentMediaType contentSchema example xml externalDocs discriminator'.split(
    ' ',
  ),
);

/** Keywords whose schemas may fail without an issue in the end. Ajv makes an object for each failure all the same. */
const ATTEMPTS = new Set(['anyOf', 'oneOf', 'not', 'if', 'contains', 'propertyNames']);
const FAILURE_COST = 15;

/** A copy with only what validates, and with costs. */
function withCosts(schema: Schema, reached: Reached, isAttempt = false): { schema: Schema; cost: number } {
  if (typeof schema === 'boolean') return { schema, cost: isAttempt ? FAILURE_COST : 1 };
  const copy: Record<string, unknown> = {};
  let cost = isAttempt ? FAILURE_COST : 3;
  for (const [keyword, value] of Object.entries(schema)) {
    const holds = KEYWORDS.get(keyword);
    if (holds === undefined || ANNOTATIONS.has(keyword)) continue;
    const isTarget = keyword === '$defs' || keyword === 'definitions';
    const visit = (child: unknown): Schema => {
      const isStart = isTarget || LOOPS.has(keyword);
      const part = withCosts(
        child as Schema,
        isStart ? 'start' : 'part',
        isTarget || isAttempt || ATTEMPTS.has(keyword),
      );
      if (!isTarget) cost += part.cost;
      return part.schema;
    };
    if (holds === 'schema') copy[keyword] = visit(value);
    else if (holds === 'list') copy[keyword] = (value as unknown[]).map(visit);
    else if (holds === 'map') {
      copy[keyword] = Object.fromEntries(Object.entries(value as object).map(([key, child]) => [key, visit(child)]));
    } else {
      copy[keyword] = value;
      cost += keyword === '$ref' ? 10 : countValues(value);
    }
  }
  const counts = reached === 'start' || Object.keys(copy).some((keyword) => GROWING.has(keyword));
  return { schema: counts ? { ...copy, [COST]: cost } : copy, cost };
}

function countValues(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + countValues(one), 1);
  return isObject(value) ? Object.values(value).reduce<number>((sum, one) => sum + countValues(one), 1) : 1;
}
