/**
 * Deduplication beyond memory: every record's key and offset go to partition files by the key's hash, 16 bytes each, and each
 * partition is looked through by itself afterwards. The answer is that of `SeenKeys`: of records with the same key all but the
 * last in the file lose.
 *
 * Threads append to the same files, a range's entries with one write for each partition (O_APPEND keeps them whole). The files
 * are a step's scratch: not fsynced, made again when lost. File system errors are thrown as they come.
 */
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { batchRows, type UsageBatch, usageBatch } from '../usage-batch.ts';
import { mostBytesPerKey, SeenKeys } from './seen-keys.ts';
import { lostPairs, WantedKeys, wantedTables } from './wanted-keys.ts';

const words = 4;
const entryBytes = 16;
const pageBits = 2 ** 32;
const firstEntries = 512;

/** How many partitions keep one partition's table within `bytes`, for so many records. A power of two, at most 1,024. */
export function partitionsFor(records: number, bytes: number): number {
  const wanted = Math.ceil((records * mostBytesPerKey * 2) / bytes);
  return Math.min(1024, 2 ** Math.ceil(Math.log2(Math.max(1, wanted))));
}

function partitionPath(directory: string, partition: number): string {
  return join(directory, `keys-${partition}`);
}

/** Collects a range's entries; `flush` appends them to the partitions. */
export class KeySpill {
  readonly #directory: string;
  readonly #partitions: Int32Array[];
  readonly #filled: Int32Array;

  constructor(directory: string, partitions: number) {
    this.#directory = directory;
    this.#partitions = Array.from({ length: partitions }, () => new Int32Array(firstEntries * words));
    this.#filled = new Int32Array(partitions);
  }

  note(batch: UsageBatch): void {
    const { rows, keyHigh, keyLow, offset } = batch;
    const mask = this.#partitions.length - 1;
    for (let row = 0; row < rows; row += 1) {
      const high = keyHigh[row]!;
      const low = keyLow[row]!;
      const partition = partitionOf(high, low) & mask;
      const at = this.#filled[partition]!;
      let entries = this.#partitions[partition]!;
      if (at === entries.length) {
        const larger = new Int32Array(entries.length * 2);
        larger.set(entries);
        entries = larger;
        this.#partitions[partition] = larger;
      }
      const page = Math.floor(offset[row]! / pageBits);
      entries[at] = high;
      entries[at + 1] = low;
      entries[at + 2] = offset[row]! - page * pageBits;
      entries[at + 3] = page;
      this.#filled[partition] = at + words;
    }
  }

  flush(): void {
    for (const [partition, entries] of this.#partitions.entries()) {
      const filled = this.#filled[partition]!;
      if (filled === 0) continue;
      const file = openSync(partitionPath(this.#directory, partition), 'a', 0o600);
      try {
        const bytes = new Uint8Array(entries.buffer, 0, filled * 4);
        const written = writeSync(file, bytes);
        if (written !== bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes of keys were written`);
      } finally {
        closeSync(file);
      }
      this.#filled[partition] = 0;
    }
  }
}

/** The records of one partition that lost, each with the one that counts. Memory: about 30 bytes for each of its entries. */
export function lostInPartition(directory: string, partition: number): Float64Array {
  const path = partitionPath(directory, partition);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return new Float64Array(0);
  const seen = new SeenKeys(size / entryBytes, Infinity);
  eachBatch(path, size, (batch) => seen.note(batch));
  const tables = wantedTables([seen.repeated]);
  const wanted = new WantedKeys(tables);
  const places: number[] = [];
  eachBatch(path, size, ({ rows, keyHigh, keyLow, offset }) => {
    wanted.eachIn(keyHigh, keyLow, 0, rows, (number, row) => places.push(number, offset[row]!));
  });
  return lostPairs(tables.count, [places]);
}

function eachBatch(path: string, size: number, take: (batch: UsageBatch) => void): void {
  const batch = usageBatch();
  const entries = new Int32Array(batchRows * words);
  const bytes = new Uint8Array(entries.buffer);
  const file = openSync(path, 'r');
  try {
    for (let at = 0; at < size; ) {
      const got = readSync(file, bytes, 0, Math.min(bytes.length, size - at), at);
      const rows = Math.floor(got / entryBytes);
      if (rows === 0) throw new Error(`${path} ends in the middle of an entry`);
      for (let row = 0; row < rows; row += 1) {
        batch.keyHigh[row] = entries[row * words]!;
        batch.keyLow[row] = entries[row * words + 1]!;
        batch.offset[row] = entries[row * words + 3]! * pageBits + (entries[row * words + 2]! >>> 0);
      }
      batch.rows = rows;
      take(batch);
      at += rows * entryBytes;
    }
  } finally {
    closeSync(file);
  }
}

function partitionOf(high: number, low: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1 | 0);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 15)) >>> 0;
}
