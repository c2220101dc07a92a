import { JsonFault, JsonReader, MAX_JSON_DEPTH } from './json-reader.js';

export type ParsedJson =
  /** `value` is undefined where the text is empty. */
  | { outcome: 'parsed'; value: unknown }
  /** `message` says what is wrong and where: "it ends too early, at position 7". */
  | { outcome: 'not_json'; message: string }
  | { outcome: 'over_limit'; message: string };

/** JSON.parse with limits that hold before anything is made, and with texts of its own, the same on every engine. */
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

const decoder = new TextDecoder(); // which drops a byte order mark
