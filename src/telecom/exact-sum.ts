/** A sum of safe integers that stays exact beyond 2^53: a Number until it does not fit, then carried over into a BigInt. */
const maxSafe = Number.MAX_SAFE_INTEGER;

export class ExactSum {
  #low = 0;
  #high = 0n;

  add(value: number): void {
    // A sum that comes out within 2^53 was exact; one that was rounded comes out beyond.
    const sum = this.#low + value;
    if (sum <= maxSafe && sum >= -maxSafe) {
      this.#low = sum;
    } else {
      this.#high += BigInt(this.#low);
      this.#low = value;
    }
  }

  get value(): bigint {
    return this.#high + BigInt(this.#low);
  }
}
