/** Exit codes of every command. docs/cli.md documents them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, notAllowed: 4, server: 5 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface Details {
  cause?: unknown;
  /** What to do now, as a sentence. */
  fix?: string | undefined;
  /** Default: `EXIT.failed`. */
  exitCode?: ExitCode;
  /** Fields for `--json`, such as the code of the API's problem. */
  fields?: Record<string, unknown>;
}

/** An error whose message is complete, so it is printed without a stack trace. */
export class PlainError extends Error {
  override name = 'PlainError';
  readonly fix: string | null;
  readonly exitCode: ExitCode;
  readonly fields: Record<string, unknown>;

  constructor(message: string, { cause, fix, exitCode = EXIT.failed, fields = {} }: Details = {}) {
    super(message, { cause });
    this.fix = fix ?? null;
    this.exitCode = exitCode;
    this.fields = fields;
  }
}
