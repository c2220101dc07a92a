import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

type Locked = { version?: string; link?: boolean; integrity?: string };

it('package-lock.json contains the hash of every package from the registry, including those of other platforms', () => {
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'),
  );
  const fetched = Object.entries(lock.packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);
  expect(fetched.length).toBeGreaterThan(100);
  const unverified = fetched.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-'));
  // To fix one: npm view <name>@<version> dist.integrity
  expect(unverified.map(([path, { version }]) => `${path}@${version}`)).toEqual([]);
});
