import type { Refusal } from '@posthorn/core';
import { InvalidJson, InvalidRequest, PayloadTooLarge } from '../errors.js';

/** Returns the frozen value. Throws the API error of a refusal. */
export function requireFrozen<Frozen>(result: { ok: true; frozen: Frozen } | Refusal): Frozen {
  if (result.ok) return result.frozen;
  throw toError(result);
}

export function toError({ code, path, message }: Refusal): Error {
  switch (code) {
    case 'invalid_json':
      return new InvalidJson(`The body is ${message}.`);
    case 'invalid_request':
      return new InvalidRequest([{ path, message }]);
    case 'payload_too_large':
      return new PayloadTooLarge(path, message);
    default:
      return code satisfies never;
  }
}
