/** Collects the beginning of a response body: counts all bytes, keeps up to a limit, and says when to stop reading. */
export class CappedBody {
  readonly #keepBytes: number;
  readonly #capBytes: number;
  #kept = Buffer.alloc(0);
  #keptBytes = 0;
  /** How many bytes have arrived. */
  receivedBytes = 0;

  constructor({ keepBytes, capBytes }: { keepBytes: number; capBytes: number }) {
    this.#keepBytes = keepBytes;
    this.#capBytes = capBytes;
  }

  /** Adds a chunk. Returns false if the cap is exceeded and reading must stop. */
  take(chunk: Buffer): boolean {
    this.receivedBytes += chunk.length;
    const part = chunk.subarray(0, this.#keepBytes - this.#keptBytes);
    this.#makeRoom(this.#keptBytes + part.length);
    part.copy(this.#kept, this.#keptBytes);
    this.#keptBytes += part.length;
    return !this.tooLarge;
  }

  // One buffer that doubles, because a list of chunks would be long for a body in chunks of one byte.
  #makeRoom(bytes: number): void {
    if (bytes <= this.#kept.length) return;
    const larger = Buffer.alloc(Math.max(bytes, Math.min(2 * this.#kept.length, this.#keepBytes)));
    this.#kept.copy(larger);
    this.#kept = larger;
  }

  get tooLarge(): boolean {
    return this.receivedBytes > this.#capBytes;
  }

  /** A copy of the kept bytes. */
  get bytes(): Buffer {
    return this.#kept.subarray(0, this.#keptBytes);
  }
}
