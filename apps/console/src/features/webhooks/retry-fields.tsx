import type { FieldValues, Path, UseFormReturn } from 'react-hook-form';
import { Field } from '../../components/field.js';
import { fieldOf } from '../../components/form.js';

/** The inputs for a webhook's own retry schedule and timeout. */
export function RetryFields<I extends FieldValues & { retrySchedule: string; timeoutMs: string }, O>({
  form,
}: {
  form: UseFormReturn<I, unknown, O>;
}) {
  return (
    <>
      <Field
        label="Retry schedule (optional)"
        placeholder="10s, 5m, 2h"
        autoComplete="off"
        help="The wait after each failed attempt, in seconds or with s, m, h or d. Empty: the default. For no retries, enter none."
        {...fieldOf(form, 'retrySchedule' as Path<I>)}
      />
      <Field
        label="Timeout of an attempt (seconds, optional)"
        inputMode="decimal"
        help="The time to respond, also to the handshake. Empty: the default."
        {...fieldOf(form, 'timeoutMs' as Path<I>)}
      />
    </>
  );
}
