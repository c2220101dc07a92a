/** Prints one line per step with its duration and the detail. */
export async function step<T>(label: string, work: () => Promise<T>, detail?: (result: T) => string): Promise<T> {
  const startedAt = performance.now();
  process.stdout.write(`  ${label} … `);
  try {
    const result = await work();
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const more = detail?.(result) ?? '';
    process.stdout.write(`${seconds} s${more === '' ? '' : `, ${more}`}\n`);
    return result;
  } catch (error) {
    process.stdout.write(error instanceof Error && error.name === 'AbortError' ? 'stopped\n' : 'failed\n');
    throw error;
  }
}
