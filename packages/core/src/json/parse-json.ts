import { JsonFault, JsonReader, MAX_JSON_DEPTH } from './json-reader.js';

export type ParsedJson =
  /** `value` is undefined for an empty text. */
  | { outcome: 'parsed'; value: unknown }
  /** `message` contains the error and its position: "unexpected end at position 7". */
  | { outcome: 'not_json'; message: string }
  | { outcome: 'over_limit'; message: string };

/** JSON.parse with limits that are checked before any object is created, and with its own messages, identical on
 *  every engine. */
export function parseJson(bytes: Uint8Array, { maxValues }: { maxValues: number }): ParsedJson {
  try {
    const reader = new JsonReader(bytes);
    reader.skip({ maxDepth: MAX_JSON_DEPTH, maxValues });
    reader.finish();
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const { kind, message } = error;
    if (kind === 'empty') return { outcome: 'parsed', value: undefined };
    return kind === 'syntax' ? { outcome: 'not_json', message } : { outcome: 'over_limit', message };
  }
  return { outcome: 'parsed', value: JSON.parse(decoder.decode(bytes)) };
}

const decoder = new TextDecoder(); // drops a byte order mark
