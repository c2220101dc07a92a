import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Returns the packages of others that a command loads before it runs: its static imports and those of `main.ts`, and theirs. */
async function packagesOf(command: string): Promise<string[]> {
  const build = await rolldown({
    input: [fileOf('../main.ts'), fileOf(`${command}.ts`)],
    platform: 'node',
    treeshake: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'sources',
        resolveId(id) {
          const [, name, file = 'index'] = /^@posthorn\/([a-z-]+)(?:\/(.+))?$/.exec(id) ?? [];
          if (name !== undefined) return fileOf(`../../../../packages/${name}/src/${file}.ts`);
          return /^[./]/.test(id) ? null : { id, external: true };
        },
      },
    ],
  });
  const { output } = await build.generate();
  await build.close();
  const chunks = new Map(output.flatMap((one) => (one.type === 'chunk' ? [[one.fileName, one]] : [])));
  const loaded = new Set(output.flatMap((one) => (one.type === 'chunk' && one.isEntry ? [one.fileName] : [])));
  for (const name of loaded) for (const imported of chunks.get(name)?.imports ?? []) loaded.add(imported);
  return [...loaded].filter((name) => !chunks.has(name) && !name.startsWith('node:')).toSorted();
}

// Every start loads them again. Prisma would take half a second of CPU, BullMQ a third.
it.each([
  ['listen', ['commander', 'zod']],
  ['tail', ['commander', 'zod']],
  ['doctor', ['commander', 'ioredis', 'pg', 'zod']],
  ['migrate', ['commander', 'pg', 'pino', 'zod']],
])('posthorn %s loads only %j before it runs', async (command, packages) => {
  expect(await packagesOf(command)).toEqual(packages);
});
