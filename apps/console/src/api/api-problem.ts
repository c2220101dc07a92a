import type { Problem, ProblemCode } from '@posthorn/contract';

/** Problems whose text is for the callers of the API. */
const BY_CODE: Partial<Record<ProblemCode, string>> = {
  quota_reached: 'This account cannot have more webhooks. Delete one first, or ask for a higher limit.',
};

/** Replaces the words of the API by those of the console. Types such as `subscription:failing` stay. */
const toUiWords = (text: string): string =>
  text
    .replaceAll(/(?<![\w/.`])subscription(s?)(?![\w:/])/g, 'webhook$1')
    .replace('disabled; resume it', 'disabled; enable it');

/** A response of the API that is not 2xx, or no response at all (status 0). */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  /** The message for each field that is wrong, by its path. */
  readonly fields: ReadonlyMap<string, string>;

  constructor(status: number, problem: Partial<Problem>) {
    super(
      BY_CODE[problem.code ?? 'internal_error'] ??
        toUiWords(problem.detail ?? problem.title ?? 'The server did not give a reason.'),
    );
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.requestId = problem.requestId ?? null;
    this.fields = new Map(problem.errors?.map(({ path, message }) => [path, toUiWords(message)]));
  }
}
