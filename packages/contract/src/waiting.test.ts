import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { WAITING_STATES } from './waiting.js';

it('ARCHITECTURE.md has the same table: each state, what ends it, and its owner', () => {
  const page = readFileSync(new URL('../../../ARCHITECTURE.md', import.meta.url), 'utf8');
  const [, section = ''] = /^## Why does a delivery wait\?$([\s\S]*?)^## /m.exec(page) ?? [];
  const rows = [...section.matchAll(/^\| `(\w+)` \| (.+) \| (.+) \|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(Object.entries(WAITING_STATES).map(([state, { endsWhen, owner }]) => [state, endsWhen, owner]));
});
