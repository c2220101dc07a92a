import type { Meter, Metered } from './meter.js';
import type { Ceilings } from './open-ceilings.js';
import type { Dialect } from './dialect.js';
import type { Sink } from './open-sink.js';
import type { Posthorn, PosthornOptions } from './start-posthorn.js';

/** The results of one repetition, by name. `metrics.ts` has a title and a format for each name. null: not applicable. */
export type Metrics = Record<string, number | null>;

/** One row of a scenario's tables. */
export interface Case {
  name: string;
  /** Runs once before the first repetition, so that V8 compiles, Postgres plans and connections open. */
  warmUp?(): Promise<unknown>;
  /** One repetition. */
  measure(): Promise<Metrics>;
}

/** A target for the medians of a run. */
export interface Goal {
  what: string;
  /** null: this run did not measure it. */
  found: number | null;
  wanted: { atMost: number } | { atLeast: number } | { exactly: number };
}

/** The median of a metric of a case. null: not measured. */
export type Medians = (caseName: string, metric: string) => number | null;

export interface Scenario {
  name: string;
  /** One line for --help. */
  about: string;
  /** It uses Posthorn's own API, tables or processes, so `--dialect` skips it. */
  needsPosthorn?: true;
  /** Default: 3, or what `--repetitions` says. */
  repetitions?: 1;
  /** The scenario fails when it takes longer. */
  maxMinutes: number;
  /** Starts what the scenario needs. Its cases then take turns, in reverse order every second time, so a drift affects all of
   *  them alike. */
  prepare(tools: Tools): Promise<Case[]>;
  goals?(medians: Medians): Goal[];
}

/** Tools of the runner for a scenario. When the scenario ends, the runner closes everything that was opened here. */
export interface Tools {
  isQuick: boolean;
  backend: 'redis' | 'postgres';
  /** Finished deliveries of the scenario `history`. */
  historySize: number;
  /** Aborts when the scenario has used up its time. */
  signal: AbortSignal;
  /** Prints progress, separate from the results. */
  progress: (line: string) => void;
  sink: Sink;
  /** The system under test: Posthorn, or the one of `--dialect`. */
  openSystem(): Promise<Dialect>;
  startPosthorn(options?: Partial<PosthornOptions>): Promise<Posthorn>;
  /** Measures this system's usage. With `--statements`, reports its statements after each measurement. */
  openMeter(system: Metered): Promise<Meter>;
  /** The same load without a system. */
  openCeilings(): Promise<Ceilings>;
  /** Registers something else to close at the end, in reverse order. */
  closeLater(close: () => Promise<unknown> | void): void;
}
