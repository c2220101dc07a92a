import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';

type FieldError = { path: string; message: string };
type Errors = { errors: FieldError[]; count: number };

/** Maximum number of errors in a problem. Beyond it, the last one counts the rest. */
const MAX_ERRORS = 20;

/** The request does not match the schema of its route. Fastify sets `validationContext` to the part that fails. */
export class InvalidInput extends Error {
  readonly errors: FieldError[];
  /** Number of all errors, including those that `errors` does not list. */
  readonly count: number;
  validationContext?: string;
  constructor({ errors, count }: Errors) {
    super('invalid input');
    this.errors = errors;
    this.count = count;
  }
}

/** Validates a part of the request against its zod schema. The messages say what to change. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return (data: unknown) => {
    // Fastify passes null for a missing body.
    const input = httpPart === 'body' && data === null ? undefined : data;
    const result = schema.safeParse(input, { error: describeIssue });
    if (result.success) return { value: result.data };
    const { errors, count } = errorsOf(result.error.issues, known);
    return { error: new InvalidInput({ errors: httpPart === 'headers' ? errors.map(asHeader) : errors, count }) };
  };
};

/** Bounded, since any caller can send a body with thousands of errors. */
function errorsOf(issues: readonly z.core.$ZodIssue[], known: string[]): Errors {
  const count = issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
  const shown = count > MAX_ERRORS ? MAX_ERRORS - 1 : count;
  const errors: FieldError[] = [];
  for (const issue of issues) {
    if (errors.length >= shown) break;
    errors.push(...toErrors(issue, known, shown - errors.length));
  }
  if (shown < count) errors.push({ path: '', message: `has ${count - shown} more errors` });
  return { errors, count };
}

function toErrors(issue: z.core.$ZodIssue, known: string[], max: number): FieldError[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: pathText(issue.path), message: issue.message }];
  const fields = issue.path.length === 0 ? `; known fields are ${known.join(', ')}` : '';
  return issue.keys
    .slice(0, max)
    .map((key) => ({ path: pathText([...issue.path, key]), message: `is an unknown field${fields}` }));
}

/** `events[0].payload` */
function pathText(path: PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}

/** idempotency-key → Idempotency-Key */
const asHeader = ({ path, message }: FieldError): FieldError => ({
  path: path.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()),
  message,
});

// Used where the schema has no message of its own.
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must have at least ${issue.minimum} ${UNITS[issue.origin] ?? ''}`.trimEnd();
    case 'too_big':
      return `must have at most ${issue.maximum} ${UNITS[issue.origin] ?? ''}`.trimEnd();
    case 'invalid_key':
      return `has a name that ${issue.issues[0]?.message ?? 'is not allowed'}`;
    case 'invalid_union':
      return issue.errors[0]?.[0]?.message ?? 'is not valid';
    default:
      return undefined;
  }
}

const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  record: 'a JSON object',
  array: 'an array',
};
const UNITS: Record<string, string> = { string: 'characters', array: 'entries' };
