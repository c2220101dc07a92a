/** The beginning of an answer's body: counts what comes, keeps no more than asked, says when to stop reading. */
export class CappedBody {
  readonly #keepBytes: number;
  readonly #capBytes: number;
  #kept: Buffer[] = [];
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
    if (part.length > 0) this.#kept.push(part);
    this.#keptBytes += part.length;
    return !this.tooLarge;
  }

  get tooLarge(): boolean {
    return this.receivedBytes > this.#capBytes;
  }

  /** What was kept, in memory of its own: the pieces are views into larger reads. */
  get bytes(): Buffer {
    return Buffer.concat(this.#kept);
  }
}
