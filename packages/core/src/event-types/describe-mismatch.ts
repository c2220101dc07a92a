import type { ErrorObject } from 'ajv/dist/2020.js';
import type { Issue } from './compile-schema.js';

/** Says what Ajv's error requires, and where. */
export function describeIssue({ instancePath, keyword, params }: ErrorObject): Issue {
  const path = instancePath.split('/').slice(1).map(unescape);
  const missing = params['missingProperty'];
  if (typeof missing === 'string') return { path: [...path, missing], message: 'is required' };
  const extra = params['additionalProperty'] ?? params['unevaluatedProperty'];
  if (typeof extra === 'string') return { path: [...path, extra], message: 'is not a field of the schema: remove it' };
  return { path, message: textOf(keyword, params) };
}

const unescape = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~');

function textOf(keyword: string, params: Record<string, unknown>): string {
  const limit = String(params['limit']);
  switch (keyword) {
    case 'type':
      return `must be ${typesOf(params['type'])}`;
    case 'enum':
      return `must be one of ${listOf(params['allowedValues'])}`;
    case 'const':
      return `must be ${short(params['allowedValue'])}`;
    case 'pattern':
      return `must match the pattern ${String(params['pattern'])}`;
    case 'minLength':
      return `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return `must have at least ${limit} elements`;
    case 'maxItems':
    case 'items':
    case 'unevaluatedItems':
      return `must have at most ${String(params['limit'] ?? params['len'])} elements`;
    case 'minProperties':
      return `must have at least ${limit} fields`;
    case 'maxProperties':
      return `must have at most ${limit} fields`;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `must be ${String(params['comparison'])} ${limit}`;
    case 'multipleOf':
      return `must be a multiple of ${String(params['multipleOf'])}`;
    case 'uniqueItems':
      return 'must not have equal elements';
    case 'contains':
      return `must have at least ${Number(params['minContains'])} matching elements${
        params['maxContains'] === undefined ? '' : `, and at most ${Number(params['maxContains'])}`
      }`;
    case 'propertyNames':
      return `has a field with a name that is not allowed: ${short(params['propertyName'])}`;
    case 'anyOf':
      return 'must match one of the alternatives of anyOf';
    case 'oneOf':
      return params['passingSchemas'] === null
        ? 'must match one of the alternatives of oneOf'
        : 'must match only one of the alternatives of oneOf';
    case 'not':
      return 'must not match the schema of not';
    case 'false schema':
      return 'is not allowed';
    default:
      return `does not match ${keyword}`;
  }
}

const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'an array',
  null: 'null',
};

const typesOf = (types: unknown): string =>
  [types]
    .flat()
    .map((type) => TYPES[String(type)] ?? String(type))
    .join(' or ');

const MAX_LISTED = 10;

function listOf(values: unknown): string {
  const all = Array.isArray(values) ? values : [];
  const shown = all.slice(0, MAX_LISTED).map(short).join(', ');
  return all.length > MAX_LISTED ? `${shown}, … (${all.length} values)` : shown;
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
