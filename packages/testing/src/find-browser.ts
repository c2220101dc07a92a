import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Headless first: it uses a sixth less CPU, since it draws no window. */
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const OF_MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** Arguments of a browser for tests. Their pages live too briefly to gain from optimizing compilers; those that axe checks lose. */
export const BROWSER_ARGS = ['--no-sandbox', '--disable-gpu', '--js-flags=--no-opt --no-maglev'];

/** Finds a Chromium: the one in CHROME_PATH, else the machine's, else that of the npm package @sparticuz/chromium, unpacked into
 *  `directory` (200 MB, two seconds). Returns null if none runs; the package supports only Linux x64. */
export async function findBrowser(directory: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const named = env['CHROME_PATH'];
  if (named) return named;
  const places = (env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...places, OF_MACOS].find((path) => existsSync(path)) ?? (await unpackBrowser(directory));
}

// The package reads and changes the environment, so it runs in a separate process.
async function unpackBrowser(directory: string): Promise<string | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  mkdirSync(directory, { recursive: true });
  const program = fileURLToPath(new URL('./unpack-browser.js', import.meta.url));
  await run(process.execPath, [program], { env: { TMPDIR: directory, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' } });
  const path = join(directory, 'browser');
  const fonts = join(directory, 'fonts.conf');
  // Pages crash without any font.
  writeFileSync(
    fonts,
    `<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>${directory}/fonts</dir></fontconfig>`,
  );
  writeFileSync(
    path,
    `#!/bin/sh
LD_LIBRARY_PATH='${directory}/al2023/lib' FONTCONFIG_FILE='${fonts}' exec '${directory}/chromium' "$@"
`,
    { mode: 0o755 },
  );
  return run(path, ['--version']).then(
    () => path,
    () => null, // another C library
  );
}

const run = promisify(execFile);
