import { EventId, IdempotencyKey } from '@posthorn/contract';
import { z } from 'zod';

/** An event in the records of its producer. */
export interface Recorded {
  /** As in the file. */
  line: string;
  account: string;
  event: { id?: string; idempotencyKey?: string };
}

/** Other fields are ignored, so a producer may write down each 202 as it is. */
const Fields = z.object({
  account: z.string().min(1).nullish(),
  accountId: z.string().min(1).nullish(),
  id: EventId.nullish(),
  idempotencyKey: IdempotencyKey.nullish(),
});

/** Reads a line: an event's id, or a JSON object with `id` or `idempotencyKey`, or both. `account`: null: the line names none. Pure. Returns
 *  what is wrong with the line as a text. */
export function readRecord(line: string): (Omit<Recorded, 'account'> & { account: string | null }) | string {
  const text = line.trim();
  const value = text.startsWith('{') ? parse(text) : { id: text };
  const { data, error } = Fields.safeParse(value);
  if (error) {
    const [issue] = error.issues;
    return text.startsWith('{')
      ? `${issue?.path.join('.') || 'it'} is invalid: ${issue?.message}.`
      : `${JSON.stringify(text.slice(0, 60))} is not the id of an event (evt_…).`;
  }
  const { id, idempotencyKey, account, accountId } = data;
  if (!id && !idempotencyKey) return 'it has no id and no idempotencyKey.';
  return {
    line,
    account: account ?? accountId ?? null,
    event: { ...(id && { id }), ...(idempotencyKey && { idempotencyKey }) },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
