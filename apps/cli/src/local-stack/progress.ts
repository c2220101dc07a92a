export type Step = <T>(label: string, work: () => Promise<T>, detail?: (result: T) => string) => Promise<T>;

/** Returns a function that prints one line per step with its duration and the detail. */
export function openSteps(out: NodeJS.WritableStream): Step {
  return async (label, work, detail) => {
    const startedAt = performance.now();
    out.write(`  ${label} … `);
    try {
      const result = await work();
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const more = detail?.(result) ?? '';
      out.write(`${seconds} s${more === '' ? '' : `, ${more}`}\n`);
      return result;
    } catch (error) {
      out.write(error instanceof Error && error.name === 'AbortError' ? 'stopped\n' : 'failed\n');
      throw error;
    }
  };
}
