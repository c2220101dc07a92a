import { readFileSync } from 'node:fs';

/** Returns the version in an app's package.json: `readVersion(new URL('../package.json', import.meta.url))`. */
export function readVersion(packageJson: URL): string {
  const manifest: unknown = JSON.parse(readFileSync(packageJson, 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
