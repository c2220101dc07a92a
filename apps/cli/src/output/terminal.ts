import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

/** Where a command writes. Results go to stdout, everything else to stderr, so that scripts can pipe results. */
export interface Terminal {
  isJson: boolean;
  /** Whether a person reads stdout. */
  isInteractive: boolean;
  paint: Paint;
  /** Writes a result: one JSON document with `--json`, otherwise the text. */
  result(value: unknown, text: () => string): void;
  /** Writes one of many results: one JSON document per line with `--json`, otherwise the text. */
  item(value: unknown, text: () => string): void;
  /** Writes a note for people to stderr. */
  note(text: string): void;
}

export function openTerminal({
  isJson,
  hasColour,
  out = process.stdout,
  err = process.stderr,
}: {
  isJson: boolean;
  hasColour: boolean;
  out?: NodeJS.WritableStream & { isTTY?: boolean };
  err?: NodeJS.WritableStream & { isTTY?: boolean };
}): Terminal {
  const isInteractive = out.isTTY === true;
  const write = (text: string) => void out.write(`${text}\n`);
  return {
    isJson,
    isInteractive,
    paint: (style, text) =>
      hasColour && isInteractive && !isJson ? styleText(style, text, { validateStream: false }) : text,
    result: (value, text) => write(isJson ? toJson(value, 2) : text()),
    item: (value, text) => write(isJson ? toJson(value) : text()),
    note: (text) => void err.write(`${text}\n`),
  };
}

/** C1 control characters can control a terminal, too, and JSON leaves them as they are. */
const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
