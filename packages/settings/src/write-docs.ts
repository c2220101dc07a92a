import { readFileSync, writeFileSync } from 'node:fs';
import { renderEnvExample, withSettingsTable } from './render.js';
import { renderHelmSettings, withHelmSettings } from './render-helm.js';

// npm run docs -w @posthorn/settings
const root = new URL('../../../', import.meta.url);
const rewrite = (path: string, change: (text: string) => string) => {
  const file = new URL(path, root);
  writeFileSync(file, change(readFileSync(file, 'utf8')));
};
writeFileSync(new URL('.env.example', root), renderEnvExample());
rewrite('docs/settings.md', withSettingsTable);
writeFileSync(new URL('deploy/helm/posthorn/files/settings.json', root), renderHelmSettings());
rewrite('deploy/helm/posthorn/values.schema.json', withHelmSettings);
