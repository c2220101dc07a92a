import type { Dispatcher } from 'undici';
import { watchAbort } from './abort-watch.js';
import { ENCODING_SLACK_BYTES, readEncoding, type Encoding } from './decode-body.js';
import type { Line } from './guarded-agent.js';
import type { Connection } from './guarded-connect.js';
import { CappedBody } from './read-capped.js';
import { readResponseHeaders, type RawHeaders, type ResponseHeaders } from './response-headers.js';
import type { ReadLimit, ResponseScan } from './scan-response.js';

export const MAX_BODY_BYTES = 64 * 1024; // read of an answer's body, after decompression

/** How an exchange ended.
 *  complete   the answer came to its end
 *  cut        the status is known, then the body passed the cap or broke off
 *  timeout    the deadline passed
 *  aborted    the caller's signal
 *  limit      no status within the limits of scan-response.ts
 *  failed     no status; `error` says why */
export type Ending =
  | { how: 'complete' | 'cut' | 'timeout' | 'aborted'; error: null }
  | { how: 'limit'; limit: ReadLimit; error: null }
  | { how: 'failed'; error: Error };

/** One request and its answer, as a handler for undici's dispatch: one deadline over all of it (resolving, connecting, waiting,
 *  reading), at most one request written, reading stops at the cap. `done` resolves exactly once and never rejects;
 *  whatever undici reports after that is ignored. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly done: Promise<Ending>;
  readonly #startedAtMs = performance.now();
  statusCode: number | null = null;
  headers: ResponseHeaders | null = null;
  encoding: Encoding | null = null;
  body = new CappedBody({ keepBytes: 0, capBytes: 0 });
  /** True once the request was, perhaps, written: from then on the receiver may have it. */
  sent = false;
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
  #scan: ResponseScan | null = null;

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

  /** True once the first byte of a response came that is not an interim one. */
  get answerBegun(): boolean {
    return this.#scan?.begun === true;
  }

  /** The beginning of a response whose status is not known. */
  get responseHead(): Buffer {
    return this.#scan?.head ?? Buffer.alloc(0);
  }

  readonly attach = (line: Line) => {
    this.#line = line;
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Ended while connecting: nothing may be written any more. Started before: one Attempt is one request.
    if (this.#ended || this.sent) return controller.abort(new Error('This post has ended'));
    this.sent = true;
    this.connection = this.#line?.connection ?? null;
    if (this.connection === null) return;
    this.reused = this.connection.posts++ > 0;
    this.#scan = this.connection.beginResponse?.((limit) => this.#passLimit(limit)) ?? null;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number, headers: RawHeaders): void {
    if (statusCode === 101) return this.#stop({ how: 'failed', error: new Error('101 was not asked for') });
    if (statusCode < 200) return; // below 100: undici fails it; other interim responses never come here
    this.#scan?.forgetHead();
    this.firstByteMs = this.#elapsedMs();
    this.statusCode = statusCode;
    this.headers = readResponseHeaders(headers);
    this.encoding = readEncoding(this.headers.get('content-encoding') ?? []);
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

  #passLimit(limit: ReadLimit): void {
    this.#stop(this.statusCode === null ? { how: 'limit', limit, error: null } : { how: 'cut', error: null });
  }

  #giveUp(how: 'cut' | 'timeout' | 'aborted'): void {
    this.#stop({ how, error: null });
  }

  /** Ends now; the socket is destroyed, or never opened. */
  #stop(ending: Ending): void {
    this.#end(ending);
    if (this.sent) this.connection?.destroy();
    else this.connection?.cancel(); // the one it waited for
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
