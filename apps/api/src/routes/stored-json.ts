import type { JsonObject } from '@posthorn/contract';

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns a stored JSON object. Throws if it is not an object, which the API never stores. */
export function storedObject(value: unknown): JsonObject {
  if (!isObject(value)) throw new Error('a stored value is not a JSON object');
  return value;
}
