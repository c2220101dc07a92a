import type { Dispatcher } from 'undici';
import { watchAbort } from './abort-watch.js';
import { ENCODING_SLACK_BYTES, readEncoding, type Encoding } from './decode-body.js';
import type { Line } from './guarded-agent.js';
import type { Connection } from './guarded-connect.js';
import { CappedBody } from './read-capped.js';

export const MAX_BODY_BYTES = 64 * 1024; // read of an answer's body, after decompression

/** By lower-case name; a list for those that came more than once. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** How an exchange ended.
 *  complete   the answer came to its end
 *  cut        the status is known, then the body passed the cap or broke off
 *  timeout    the deadline passed
 *  aborted    the caller's signal
 *  failed     no status; `error` says why */
export type Ending = { how: 'complete' | 'cut' | 'timeout' | 'aborted'; error: null } | { how: 'failed'; error: Error };

/** One request and its answer, as a handler for undici's dispatch: one deadline over all of it (resolving, connecting, waiting,
 *  reading), at most one request written, reading stops at the cap. `done` resolves exactly once and never rejects;
 *  whatever undici reports after that is ignored. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly done: Promise<Ending>;
  readonly #startedAtMs = performance.now();
  statusCode: number | null = null;
  headers: AnswerHeaders | null = null;
  encoding: Encoding | null = null;
  body = new CappedBody({ keepBytes: 0, capBytes: 0 });
  /** True once the request was, perhaps, written: from then on the receiver may have it. */
  sent = false;
  /** True once the first byte of an answer came. */
  answerBegun = false;
  /** The kept-open connection was used, not a new one. */
  reused = false;
  connection: Connection | null = null;
  firstByteMs: number | null = null;
  durationMs = 0;

  readonly #keepBytes: number;
  readonly #deadline: NodeJS.Timeout;
  #resolve: (ending: Ending) => void = () => {};
  #stopWatching: () => void = () => {};
  #ended = false;
  #line: Line | null = null;
  #controller: Dispatcher.DispatchController | null = null;

  constructor({
    timeoutMs,
    keepBytes,
    signal,
  }: {
    timeoutMs: number;
    keepBytes: number;
    signal: AbortSignal | undefined;
  }) {
    this.#keepBytes = keepBytes;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#deadline = setTimeout(() => this.#giveUp('timeout'), timeoutMs);
    if (signal?.aborted === true) this.#giveUp('aborted');
    else if (signal !== undefined) this.#stopWatching = watchAbort(signal, () => this.#giveUp('aborted'));
  }

  /** True from the moment the ending is known. */
  get ended(): boolean {
    return this.#ended;
  }

  readonly attach = (line: Line) => {
    this.#line = line;
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Ended while connecting: nothing may be written any more. Started before: one Attempt is one request.
    if (this.#ended || this.sent) return controller.abort(new Error('This post has ended'));
    this.#controller = controller;
    this.sent = true;
    this.connection = this.#line?.connection ?? null;
    if (this.connection !== null) this.reused = this.connection.posts++ > 0;
  }

  onResponseStarted(): void {
    this.answerBegun = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, statusCode: number, headers: AnswerHeaders): void {
    if (statusCode === 101) return controller.abort(new Error('101 was not asked for'));
    if (statusCode < 200) return; // not an answer yet
    this.firstByteMs = this.#elapsedMs();
    this.statusCode = statusCode;
    this.headers = headers;
    const contentEncoding = headers['content-encoding'];
    this.encoding = typeof contentEncoding === 'string' ? readEncoding(contentEncoding) : null;
    // Compressed, the cap counts what comes out; what goes in is bounded too, and kept in full.
    const capBytes = this.encoding === null ? MAX_BODY_BYTES : MAX_BODY_BYTES + ENCODING_SLACK_BYTES;
    this.body = new CappedBody({ keepBytes: this.encoding === null ? this.#keepBytes : capBytes, capBytes });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.body.take(chunk)) this.#giveUp('cut');
  }

  onResponseEnd(): void {
    this.#end({ how: 'complete', error: null });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(this.statusCode === null ? { how: 'failed', error } : { how: 'cut', error: null });
  }

  /** Ends now; the socket is destroyed, or never opened. */
  #giveUp(how: 'cut' | 'timeout' | 'aborted'): void {
    this.#end({ how, error: null });
    if (this.#controller === null) this.connection?.cancel(); // the one it waited for
    else this.#controller.abort(new Error(`The post has ended: ${how}`));
  }

  #end(ending: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#deadline);
    this.#stopWatching();
    this.durationMs = this.#elapsedMs();
    // Never sent: then the line's connection is the one that was waited for, unless it is an older one, still open.
    const connecting = this.#line?.connection ?? null;
    if (!this.sent && connecting?.state !== 'open') this.connection = connecting;
    this.#resolve(ending);
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAtMs);
  }
}
