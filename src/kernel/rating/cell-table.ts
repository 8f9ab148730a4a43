/** Rows of numbers behind each other in one typed array, so that what belongs together is near; equal rows are one. */
export class CellTable<Cells extends Int32Array | Float64Array> {
  readonly #larger: (length: number) => Cells;
  readonly #rowAt = new Map<string, number>();
  #used = 0;
  /** Another array after a `put` that needed room. */
  cells: Cells;

  /** `larger` makes an empty array of a length. */
  constructor(larger: (length: number) => Cells) {
    this.#larger = larger;
    this.cells = larger(1024);
  }

  /** Where the row begins in `cells`. */
  put(row: readonly number[]): number {
    const key = row.join(' ');
    const known = this.#rowAt.get(key);
    if (known !== undefined) return known;
    const at = this.#used;
    this.#used += row.length;
    if (this.#used > this.cells.length) {
      const larger = this.#larger(Math.max(this.#used, this.cells.length * 2));
      larger.set(this.cells);
      this.cells = larger;
    }
    this.cells.set(row, at);
    this.#rowAt.set(key, at);
    return at;
  }
}
