import type { Ceilings } from './open-ceilings.js';
import type { Dialect } from './dialect.js';
import type { Sink } from './open-sink.js';
import type { Posthorn, PosthornOptions } from './start-posthorn.js';

/** What one repetition found, by name. `figures.ts` has a title and a format for each name. null: it does not apply. */
export type Figures = Record<string, number | null>;

/** One row of a scenario's tables. */
export interface Case {
  name: string;
  /** Runs once, before the first repetition: V8 compiles, Postgres plans, connections open. */
  warmUp?(): Promise<unknown>;
  /** One repetition. */
  measure(): Promise<Figures>;
}

/** A number that we want to reach, as the medians of a run show it. */
export interface Goal {
  what: string;
  /** null: this run did not measure it. */
  found: number | null;
  wanted: { atMost: number } | { atLeast: number };
}

/** The median of a figure of a case. null: not measured. */
export type Medians = (caseName: string, figure: string) => number | null;

export interface Scenario {
  name: string;
  /** One line for --help. */
  about: string;
  /** It uses Posthorn's own API, tables or processes, so `--dialect` leaves it out. */
  needsPosthorn?: true;
  /** Default: 3, or what `--repetitions` says. */
  repetitions?: 1;
  /** The scenario fails when it takes longer than that. */
  maxMinutes: number;
  /** Starts what the scenario needs. Its cases then take turns, so a drift of the machine meets all of them alike. */
  prepare(tools: Tools): Promise<Case[]>;
  goals?(medians: Medians): Goal[];
}

/** What the runner lends to a scenario. It closes everything that was opened here when the scenario ends. */
export interface Tools {
  isQuick: boolean;
  backend: 'redis' | 'postgres';
  /** Finished deliveries of the scenario `history`. */
  historySize: number;
  /** Aborts when the scenario has used up its time. */
  signal: AbortSignal;
  /** Says what goes on, beside the results. */
  progress: (line: string) => void;
  sink: Sink;
  /** The system under test: Posthorn, or what `--dialect` names. */
  openSystem(): Promise<Dialect>;
  startPosthorn(options?: Partial<PosthornOptions>): Promise<Posthorn>;
  /** The same load without a system. */
  openCeilings(): Promise<Ceilings>;
  /** Closes something else at the end; the last one opened closes first. */
  closeLater(close: () => Promise<unknown> | void): void;
}
