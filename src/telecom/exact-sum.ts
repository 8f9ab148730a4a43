/** A sum of safe integers that stays exact beyond 2^53: a Number until it is large, then carried over into a BigInt. */
const carryAt = 2 ** 52;

export class ExactSum {
  #low = 0;
  #high = 0n;

  add(value: number): void {
    this.#low += value;
    if (this.#low > carryAt || this.#low < -carryAt) {
      this.#high += BigInt(this.#low);
      this.#low = 0;
    }
  }

  get value(): bigint {
    return this.#high + BigInt(this.#low);
  }
}
