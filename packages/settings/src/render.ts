import { type Setting, settings } from './settings.js';

/** Returns the text of `.env.example`: every setting with its description, commented out unless it is required. */
export function renderEnvExample(): string {
  const blocks = Object.entries<Setting>(settings).map(([name, setting]) => {
    const notes = [
      ...wrap(setting.description, 116),
      ...(typeof setting.localStack === 'string' ? [`In the local stack: ${setting.localStack}`] : []),
      ...(setting.secret ? [`Or ${name}_FILE, the path of a file that contains it.`] : []),
    ];
    const assignment = setting.required ? `${name}=` : `# ${name}=${setting.default ?? ''}`;
    return [...notes.map((note) => `# ${note}`), assignment].join('\n');
  });
  const head = [
    '# Generated from packages/settings/src/settings.ts: change it there, then run npm run docs -w @posthorn/settings',
    '# The local stack (npm start) needs none of these.',
  ].join('\n');
  return `${[head, ...blocks].join('\n\n')}\n`;
}

const TABLE = /(?<=<!-- settings -->\n)[^]*(?=<!-- \/settings -->)/;

/** Returns docs/settings.md with its table, between the two markers, generated again. */
export function withSettingsTable(page: string): string {
  if (!TABLE.test(page)) throw new Error('docs/settings.md lacks the lines <!-- settings --> and <!-- /settings -->');
  return page.replace(TABLE, () => renderSettingsTable());
}

function renderSettingsTable(): string {
  const rows = Object.entries<Setting>(settings).map(
    ([name, setting]) => `| \`${name}\` | ${defaultText(setting)} | ${setting.description.replaceAll('|', '\\|')} |`,
  );
  return ['| name | default | meaning |', '|---|---|---|', ...rows, ''].join('\n');
}

function defaultText(setting: Setting): string {
  const usual = setting.required ? 'required' : setting.default ? `\`${setting.default}\`` : '–';
  if (setting.localStack === undefined) return usual;
  return `${usual}; local stack: ${setting.localStack === null ? 'automatic' : `\`${setting.localStack}\``}`;
}

function wrap(sentence: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
