import type { Dispatcher } from 'undici';
import { watchAbort } from './abort-watch.js';
import { ENCODING_SLACK_BYTES, readEncoding, type Encoding } from './decode-body.js';
import type { Line } from './guarded-agent.js';
import type { Connection } from './guarded-connect.js';
import { CappedBody } from './read-capped.js';
import { readResponseHeaders, type RawHeaders, type ResponseHeaders } from './response-headers.js';
import type { ReadLimit, ResponseScan } from './scan-response.js';

export const MAX_BODY_BYTES = 64 * 1024; // maximum of a response's body, after decompression

/** How an exchange ended.
 *  complete   the response is complete
 *  cut        the status is known, but the body exceeded the cap or broke off
 *  timeout    the timeout expired
 *  aborted    the caller's signal fired
 *  limit      no status within the limits of scan-response.ts
 *  failed     no status; `error` says why */
export type Ending =
  | { how: 'complete' | 'cut' | 'timeout' | 'aborted'; error: null }
  | { how: 'limit'; limit: ReadLimit; error: null }
  | { how: 'failed'; error: Error };

/** One request and its response, as a handler for undici's dispatch. One timeout covers everything (resolving,
 *  connecting, waiting, reading), at most one request is written, and reading stops at the cap. `done` resolves
 *  exactly once and never rejects; later reports of undici are ignored. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly done: Promise<Ending>;
  readonly #startedAtMs = performance.now();
  statusCode: number | null = null;
  headers: ResponseHeaders | null = null;
  encoding: Encoding | null = null;
  body = new CappedBody({ keepBytes: 0, capBytes: 0 });
  /** True once the request may have been written: the endpoint may have received it. */
  sent = false;
  /** True if a kept-open connection was used. */
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

  /** True once the ending is known. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True once the first byte of a response that is not an interim one has arrived. */
  get hasResponseStarted(): boolean {
    return this.#scan?.begun === true;
  }

  /** The beginning of a response whose status is unknown. */
  get responseHead(): Buffer {
    return this.#scan?.head ?? Buffer.alloc(0);
  }

  /** Ends an exchange that nothing is sent for. */
  giveUp(): void {
    this.#giveUp('aborted');
  }

  readonly attach = (line: Line) => {
    this.#line = line;
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // If the post ended while connecting, nothing may be written. If it was sent before, decline: one attempt is one
    // request.
    if (this.#ended || this.sent) return controller.abort(new Error('This post has ended'));
    this.sent = true;
    this.connection = this.#line?.connection ?? null;
    if (this.connection === null) return;
    this.reused = this.connection.posts++ > 0;
    this.#scan = this.connection.beginResponse?.((limit) => this.#passLimit(limit)) ?? null;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number, headers: RawHeaders): void {
    if (statusCode === 101) return this.#stop({ how: 'failed', error: new Error('Unexpected status 101') });
    if (statusCode < 200) return; // undici fails a status below 100; other interim responses never arrive here
    this.#scan?.forgetHead();
    this.firstByteMs = this.#elapsedMs();
    this.statusCode = statusCode;
    this.headers = readResponseHeaders(headers);
    this.encoding = readEncoding(this.headers.get('content-encoding') ?? []);
    // For a compressed body, the cap counts decompressed bytes. The compressed bytes are bounded too, and kept
    // completely.
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

  /** Ends the exchange now: destroys the socket, or never opens it. */
  #stop(ending: Ending): void {
    this.#end(ending);
    if (this.sent) this.connection?.destroy();
    else this.connection?.cancel(); // it was still connecting
  }

  #end(ending: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#deadline);
    this.#stopWatching();
    this.durationMs = this.#elapsedMs();
    // If nothing was sent, the line's connection is the one that was being opened, unless it is an older open one.
    const connecting = this.#line?.connection ?? null;
    if (!this.sent && connecting?.state !== 'open') this.connection = connecting;
    this.#resolve(ending);
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAtMs);
  }
}
