import type { JsonObject } from '@posthorn/contract';

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A column that was checked to be a JSON object before it was written. Throws if it is none: then someone else wrote. */
export function storedObject(value: unknown): JsonObject {
  if (!isObject(value)) throw new Error('a stored JSON object is none');
  return value;
}
