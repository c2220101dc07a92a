/** The beginning of an answer's body: counts what comes, keeps no more than asked, says when to stop reading. */
export class CappedBody {
  readonly #keepBytes: number;
  readonly #capBytes: number;
  #kept = Buffer.alloc(0);
  #keptBytes = 0;
  /** How many bytes came. */
  receivedBytes = 0;

  constructor({ keepBytes, capBytes }: { keepBytes: number; capBytes: number }) {
    this.#keepBytes = keepBytes;
    this.#capBytes = capBytes;
  }

  /** Takes a piece. Returns false when more than the cap has come and reading must stop. */
  take(chunk: Buffer): boolean {
    this.receivedBytes += chunk.length;
    const part = chunk.subarray(0, this.#keepBytes - this.#keptBytes);
    this.#makeRoom(this.#keptBytes + part.length);
    part.copy(this.#kept, this.#keptBytes);
    this.#keptBytes += part.length;
    return !this.tooLarge;
  }

  // One buffer that doubles: a list of pieces would be long for a body in chunks of a byte.
  #makeRoom(bytes: number): void {
    if (bytes <= this.#kept.length) return;
    const larger = Buffer.alloc(Math.max(bytes, Math.min(2 * this.#kept.length, this.#keepBytes)));
    this.#kept.copy(larger);
    this.#kept = larger;
  }

  get tooLarge(): boolean {
    return this.receivedBytes > this.#capBytes;
  }

  /** What was kept, in memory of its own. */
  get bytes(): Buffer {
    return this.#kept.subarray(0, this.#keptBytes);
  }
}
