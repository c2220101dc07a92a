import { parseArgs } from 'node:util';

export interface Options {
  /** Empty: all. */
  scenarios: string[];
  /** Only cases whose names contain this. */
  words: string;
  isQuick: boolean;
  repetitions: number;
  backend: 'redis' | 'postgres';
  workers: number;
  historySize: number;
  /** Reports the most expensive statements of each measurement. */
  showsStatements: boolean;
  /** A file with another system's dialect. */
  dialect: string | null;
}

export const DEFAULT_REPETITIONS = 3;

export type OptionsResult =
  | { outcome: 'run'; options: Options }
  /** Continue the run of this file (JSON), with its options. */
  | { outcome: 'continue'; file: string }
  | { outcome: 'help' }
  | { outcome: 'wrong'; message: string };

/** Reads the command line. `known` are the names of the scenarios. */
export function readOptions(args: string[], known: string[]): OptionsResult {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        scenario: { type: 'string', default: '' },
        /** The same as --scenario hostile. */
        hostile: { type: 'boolean', default: false },
        case: { type: 'string', default: '' },
        quick: { type: 'boolean', default: false },
        repetitions: { type: 'string' },
        backend: { type: 'string', default: 'redis' },
        workers: { type: 'string', default: '1' },
        history: { type: 'string' },
        statements: { type: 'boolean', default: false },
        dialect: { type: 'string' },
        continue: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return { outcome: 'wrong', message: (error as Error).message };
  }
  if (values.help) return { outcome: 'help' };
  if (values.continue !== undefined) {
    if (args.some((arg) => arg.startsWith('--') && !/^--continue(=|$)/.test(arg)))
      return { outcome: 'wrong', message: '--continue takes its options from the file, so it must be the only one.' };
    return { outcome: 'continue', file: values.continue };
  }
  const { backend } = values;
  const scenarios = values.scenario.split(',').filter((name) => name !== '');
  if (values.hostile && !scenarios.includes('hostile')) scenarios.push('hostile');
  const unknown = scenarios.filter((name) => !known.includes(name));
  if (unknown.length > 0) return { outcome: 'wrong', message: `Unknown scenario ${unknown.join(', ')}.` };
  if (backend !== 'redis' && backend !== 'postgres')
    return { outcome: 'wrong', message: `--backend must be redis or postgres, not ${backend}.` };

  const numbers = {
    repetitions: values.repetitions ?? (values.quick ? '1' : String(DEFAULT_REPETITIONS)),
    workers: values.workers,
    history: values.history ?? (values.quick ? '50000' : '10000000'),
  };
  for (const [name, text] of Object.entries(numbers))
    if (!/^[1-9]\d*$/.test(text))
      return { outcome: 'wrong', message: `--${name} must be a whole number from 1, not ${text}.` };
  return {
    outcome: 'run',
    options: {
      scenarios,
      words: values.case,
      isQuick: values.quick,
      repetitions: Number(numbers.repetitions),
      backend,
      workers: Number(numbers.workers),
      historySize: Number(numbers.history),
      showsStatements: values.statements,
      dialect: values.dialect ?? null,
    },
  };
}
