import { standardSchemaResolver } from '@hookform/resolvers/standard-schema';
import { type DefaultValues, type FieldValues, type Path, useForm, type UseFormReturn } from 'react-hook-form';
import * as z from 'zod';
import { ApiProblem } from '../api/api-problem.js';

z.config({ customError: describeIssue });

/** For the rules of the contract that have no message of their own. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1 ? 'Enter a value.' : `Must be at least ${issue.minimum}.`;
    case 'too_big':
      return issue.origin === 'string'
        ? `Use at most ${issue.maximum} characters.`
        : `Must be at most ${issue.maximum}.`;
    default:
      return undefined;
  }
}

/** A form whose values a schema checks and converts. `I`: what the inputs hold. `O`: what is sent. */
export const useSchemaForm = <I extends FieldValues, O extends FieldValues>(
  schema: z.ZodType<O, I>,
  defaultValues: DefaultValues<I>,
): UseFormReturn<I, unknown, O> =>
  useForm<I, unknown, O>({ resolver: standardSchemaResolver(schema), defaultValues, reValidateMode: 'onSubmit' });

/** The properties of an input with a label: its name, its handlers and its error. */
export const fieldOf = <I extends FieldValues, O>(form: UseFormReturn<I, unknown, O>, name: Path<I>) => ({
  ...form.register(name),
  error: errorOf(form, name),
});

export const errorOf = <I extends FieldValues, O>(
  { getFieldState, formState }: UseFormReturn<I, unknown, O>,
  name: Path<I>,
): string | undefined => {
  const message = getFieldState(name, formState).error?.message;
  return message === undefined ? undefined : asSentence(message);
};

/** Shows the errors of the API beside their inputs, and errors without an input at the end of the form. `placeOf` returns the input of a
 *  path of the API. Default: the first name of the path. */
export function showRefusal<I extends FieldValues, O>(
  form: UseFormReturn<I, unknown, O>,
  error: Error,
  placeOf = firstName,
): void {
  const names = Object.keys(form.getValues());
  const fields = error instanceof ApiProblem ? [...error.fields] : [];
  const shown = fields.filter(([path]) => names.includes(firstName(path)));
  for (const [path, message] of shown) form.setError(placeOf(path) as Path<I>, { message }, { shouldFocus: true });
  if (shown.length === 0) form.setError('root', { message: error.message });
}

const firstName = (path: string): string => path.split(/[.[]/)[0] ?? '';

/** The error of the form as a whole. */
export function FormError<I extends FieldValues, O>({ form }: { form: UseFormReturn<I, unknown, O> }) {
  const { root } = form.formState.errors;
  if (root?.message === undefined) return null;
  return (
    <p className="error" role="alert">
      {asSentence(root.message)}
    </p>
  );
}

/** The API's messages continue the name of a field: "must be a whole number". */
const asSentence = (message: string): string => {
  const start = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?}]$/.test(start) ? start : `${start}.`;
};

/** An input whose spaces around the text do not count. */
export const trimmed = <S extends z.ZodType<unknown, string>>(schema: S) => z.string().trim().pipe(schema);

/** An input that may stay empty; then its value is null. */
export const blankAsNull = <O,>(schema: z.ZodType<O, string | null | undefined>) =>
  z
    .string()
    .transform((text) => text.trim() || null)
    .pipe(schema as z.ZodType<O, string | null>);

/** An input that may stay empty; then its field is left out. */
export const blankAsAbsent = <O,>(schema: z.ZodType<O, string | null | undefined>) =>
  z
    .string()
    .transform((text) => text.trim() || undefined)
    .pipe(schema as z.ZodType<O, string | undefined>);
