import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderEnvExample, withSettingsTable } from './render.js';
import { readEnv } from './read-env.js';
import { renderHelmSettings, withHelmSettings } from './render-helm.js';
import { QUEUE_SETTINGS, settingNames, settings, TELEMETRY_SETTINGS } from './settings.js';

const pathOf = (name: string) => new URL(`../../../${name}`, import.meta.url);
const read = (name: string) => readFileSync(pathOf(name), 'utf8');

it('.env.example is up to date: npm run docs -w @posthorn/settings writes it', () => {
  expect(read('.env.example')).toBe(renderEnvExample());
});

it('the table of docs/settings.md is up to date and has a row for every setting', () => {
  const page = read('docs/settings.md');
  expect(page).toBe(withSettingsTable(page));
  for (const name of Object.keys(settings)) expect(page).toContain(`| \`${name}\` |`);
});

it('the Helm chart’s settings are up to date: npm run docs -w @posthorn/settings writes them', () => {
  const [list, schema] = ['files/settings.json', 'values.schema.json'].map((name) =>
    read(`deploy/helm/posthorn/${name}`),
  );
  expect(list).toBe(renderHelmSettings());
  expect(schema).toBe(withHelmSettings(schema ?? ''));
});

it('an app reads and uses every setting', () => {
  const sources = ['api', 'board', 'cli', 'demo', 'worker'].flatMap((app) =>
    readdirSync(pathOf(`apps/${app}/src`), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('test'))
      .map((name) =>
        read(`apps/${app}/src/${name}`)
          .replaceAll('...QUEUE_SETTINGS', QUEUE_SETTINGS.join(' '))
          .replaceAll('...TELEMETRY_SETTINGS', TELEMETRY_SETTINGS.join(' ')),
      ),
  );
  for (const path of ['jobs/src/choose-queue.ts', 'settings/src/email.ts', 'settings/src/telemetry.ts'])
    sources.push(read(`packages/${path}`));
  const isUsed = (word: string) => sources.some((text) => new RegExp(`\\b${word}\\b`).test(text));
  const unused = settingNames.filter((name) => {
    const [key = ''] = Object.keys(readEnv({}, [name], { localStack: true }));
    return !isUsed(key) || !isUsed(name);
  });
  expect(unused).toEqual([]);
});

it('throws for a page without the markers', () => {
  expect(() => withSettingsTable('# Posthorn')).toThrow(/<!-- settings -->/);
});
