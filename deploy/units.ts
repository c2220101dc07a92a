import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A unit of systemd: the values of each key, in all sections. */
export interface Unit {
  file: string;
  text: string;
  values(key: string): string[];
}

const folder = fileURLToPath(new URL('systemd/', import.meta.url));

export const units: Unit[] = readdirSync(folder).map((file) => {
  const text = readFileSync(folder + file, 'utf8');
  const lines = text.split('\n').map((line) => /^(\w+)=(.*)$/.exec(line));
  return { file, text, values: (key) => lines.flatMap((line) => (line?.[1] === key ? [line[2] ?? ''] : [])) };
});
