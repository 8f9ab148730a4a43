/**
 * The fused pass over one CSV file: decoded, deduplicated, rated and totalled on the threads of a pool, in bounded memory, with
 * the totals that importing and rating the same records would give.
 *
 * - Threads take byte ranges; a border that was guessed wrong (possible only with line ends inside quotes) is noticed, the
 *   borders are then found in the order of the file, and the pass is made again.
 * - Of records with the same key the last in the file counts. Keys are kept in memory up to `dedupMemory`, beyond it on disk in
 *   `scratch`, which the caller made and removes.
 * - A wrong record is answered with its offset and a reason and counts for nothing. A file whose records cannot be told apart
 *   throws `UnreadableFileError`, a missing column an Error that names it.
 * - Aborting rejects with the signal's reason when every thread has stopped. A thread that dies rejects with `ThreadDiedError`.
 */
import { closeSync, mkdtempSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type RecordFault, splitRecord } from './csv-slow.ts';
import { bytesPerEntry } from './key-log.ts';
import { lostInMemory } from './lost-in-memory.ts';
import type { KernelArgs, KernelDedup, KernelFile, KernelRanges, KernelRating, KernelResults } from './messages.ts';
import { brokenBorder } from './range-pass.ts';
import { SeenKeysFullError } from './seen-keys.ts';
import { partitionsFor } from './spilled-keys.ts';
import { type SlabRow, TotalsSlab } from './totals-slab.ts';
import { columnsOf, type UsageLayout } from './usage-layout.ts';
import { longestRecord } from './usage-reader.ts';

/** How tasks get onto threads: the compute pool of a node, or one of a bench. */
export type RunKernelTask = <A extends KernelArgs>(
  args: A,
  options: { readonly signal: AbortSignal; readonly onProgress?: (done: number, total: number) => void },
) => Promise<KernelResults[A['task']]>;

export interface FusedPassOptions {
  readonly path: string;
  readonly layout: UsageLayout;
  readonly rating: KernelRating;
  readonly run: RunKernelTask;
  /** Tasks at a time. */
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Bytes for record keys; beyond them keys go to disk. Default 1 GiB. */
  readonly dedupMemory?: number;
  /** A directory for keys that go to disk. */
  readonly scratch: string;
  /** Default 8 MiB; at least 4 KiB. */
  readonly rangeBytes?: number;
}

export interface FusedPassResult {
  readonly rows: readonly SlabRow[];
  /** Records that count. */
  readonly records: number;
  /** Records that lost against a later one of the same key, equal or not. */
  readonly duplicates: number;
  /** The wrong records, and those that lost and say something else than the record that counts; by offset. */
  readonly faults: readonly RecordFault[];
  readonly faultCount: number;
  readonly spilled: boolean;
  readonly bytes: number;
}

const defaultRangeBytes = 8 * 1024 * 1024;
const sampleBytes = 256 * 1024;
/** Losers that are worth a task of their own. */
const settleAtLeast = 256;

export async function fusedPass(options: FusedPassOptions): Promise<FusedPassResult> {
  const sample = readSample(options.path, options.layout);
  const file: KernelFile = { ...sample.file, rating: options.rating };
  const memory = options.dedupMemory ?? 2 ** 30;
  const mostBytes = (memory - sample.records * bytesPerEntry) / options.threads;
  const onDisk = () => passWithExactBorders(options, file, spillTo(options, sample.records));
  if (mostBytes <= 0) return onDisk();
  const expected = Math.ceil(sample.records / options.threads);
  try {
    return await passWithExactBorders(options, file, () => ({ by: 'memory', expected, mostBytes }));
  } catch (error) {
    // keys without order take more; and an error of a thread has its name, not its class
    if (!(error instanceof SeenKeysFullError) && (error as Error).name !== 'SeenKeysFullError') throw error;
    return onDisk();
  }
}

type MakeDedup = () => KernelDedup;

function spillTo({ scratch, dedupMemory = 2 ** 30, threads }: FusedPassOptions, records: number): MakeDedup {
  const partitions = partitionsFor(records, dedupMemory / threads);
  // a pass that is made again finds nothing of the one before
  return () => ({ by: 'spill', directory: mkdtempSync(join(scratch, 'keys-')), partitions });
}

async function passWithExactBorders(
  options: FusedPassOptions,
  file: KernelFile,
  makeDedup: MakeDedup,
): Promise<FusedPassResult> {
  const guessed = rangesOf(file, options, null);
  const result = await pass(options, file, makeDedup(), guessed);
  if (result !== null) return result;
  const found = rangesOf(file, options, null);
  await options.run({ task: 'kernel-borders', file, ranges: found }, { signal: options.signal });
  const exact = await pass(options, file, makeDedup(), rangesOf(file, options, found.starts));
  if (exact === null) throw new Error(`${file.path}: the borders of its records are not the same twice`);
  return exact;
}

/** Null when a border was guessed wrong: nothing of the pass can be used. */
async function pass(
  options: FusedPassOptions,
  file: KernelFile,
  dedup: KernelDedup,
  ranges: KernelRanges,
): Promise<FusedPassResult | null> {
  const workers = Math.min(options.threads, ranges.count);
  const fused = await together(options, workers, () => ({ task: 'kernel-fuse', file, dedup, ranges }));
  if (brokenBorder(ranges) >= 0) return null;
  const slab = new TotalsSlab(file.columns.kinds.length);
  for (const each of fused) slab.merge(each.slab);
  const inParallel = <A extends KernelArgs>(args: readonly A[]) =>
    together(options, args.length, (each) => args[each]!);
  const lost =
    dedup.by === 'memory'
      ? [
          await lostInMemory(
            fused.map(({ keys }) => keys!),
            inParallel,
          ),
        ]
      : await lostOnDisk(options, dedup);
  const settled = await settle(options, file, lost);
  for (const each of settled) slab.merge(each.slab);
  const rows = slab.rows();
  const conflicts = settled.flatMap((each) => each.conflicts);
  const faults = fused.flatMap((each) => each.faults);
  for (const offset of conflicts) faults.push({ offset, code: 'conflicting-duplicate', field: null });
  return {
    rows,
    records: Number(rows.reduce((sum, row) => sum + row.records, 0n)),
    duplicates: lost.reduce((sum, pairs) => sum + pairs.length / 2, 0),
    faults: faults.sort((a, b) => a.offset - b.offset),
    faultCount: fused.reduce((sum, each) => sum + each.faultCount, conflicts.length),
    spilled: dedup.by === 'spill',
    bytes: file.bytes,
  };
}

async function lostOnDisk(
  options: FusedPassOptions,
  { directory, partitions }: KernelDedup & { readonly by: 'spill' },
): Promise<Float64Array[]> {
  const workers = Math.min(options.threads, partitions);
  const share = Math.ceil(partitions / workers);
  return together(options, workers, (worker) => ({
    task: 'kernel-partitions',
    directory,
    from: worker * share,
    to: Math.min(partitions, (worker + 1) * share),
  }));
}

async function settle(options: FusedPassOptions, file: KernelFile, lost: readonly Float64Array[]) {
  const pairs = byOffset(lost);
  const workers = Math.min(options.threads, Math.ceil(pairs.length / 2 / settleAtLeast));
  const share = Math.ceil(pairs.length / 2 / workers) * 2;
  return together(options, workers, (worker) => ({
    task: 'kernel-settle',
    file,
    lost: pairs.slice(worker * share, (worker + 1) * share),
  }));
}

/** All pairs in the order of the file. */
function byOffset(lost: readonly Float64Array[]): Float64Array {
  const pairs = lost.flatMap((each) => Array.from({ length: each.length / 2 }, (_, pair) => [each, pair * 2] as const));
  pairs.sort(([a, at], [b, bt]) => a[at]! - b[bt]!);
  return Float64Array.from(pairs.flatMap(([each, at]) => [each[at]!, each[at + 1]!]));
}

/** Runs tasks side by side; when one fails the others are stopped, and it rejects when all have ended. */
async function together<A extends KernelArgs>(
  { run, signal, onProgress }: FusedPassOptions,
  count: number,
  argsOf: (worker: number) => A,
): Promise<KernelResults[A['task']][]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let first: { readonly error: unknown } | null = null;
  const runs = Array.from({ length: count }, async (_, worker) => {
    try {
      return await run(argsOf(worker), { signal: either, ...(onProgress ? { onProgress } : {}) });
    } catch (error) {
      first ??= { error };
      failed.abort(error);
      throw error;
    }
  });
  const settled = await Promise.allSettled(runs);
  if (first !== null) throw (first as { readonly error: unknown }).error;
  return settled.map((each) => (each as PromiseFulfilledResult<KernelResults[A['task']]>).value);
}

function rangesOf(
  file: KernelFile,
  { rangeBytes = defaultRangeBytes }: FusedPassOptions,
  exactStarts: Float64Array | null,
): KernelRanges {
  const count = Math.max(1, Math.ceil(file.bytes / rangeBytes));
  const starts = new Float64Array(new SharedArrayBuffer(count * 8));
  if (exactStarts !== null) starts.set(exactStarts);
  return {
    rangeBytes,
    count,
    next: new Int32Array(new SharedArrayBuffer(4)),
    starts,
    ends: new Float64Array(new SharedArrayBuffer(count * 8)),
    exact: exactStarts !== null,
    doneKb: new Int32Array(new SharedArrayBuffer(4)),
  };
}

/** The header, and how many records the file has, estimated from its beginning and rather too many. */
function readSample(path: string, layout: UsageLayout) {
  const { size } = statSync(path);
  const bytes = Buffer.alloc(Math.min(size, sampleBytes));
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(file);
  }
  const delimiter = layout.delimiter.charCodeAt(0);
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const header = splitRecord(
    bytes,
    mark,
    Math.min(bytes.length, mark + longestRecord),
    size <= longestRecord,
    delimiter,
  );
  if (header === null || !header.wellQuoted || size === 0) throw new Error(`${path} has no header of CSV columns`);
  const columns = columnsOf(layout, header.fields);
  let records = 0;
  for (let at = header.next; at < bytes.length; records += 1) {
    const record = splitRecord(bytes, at, bytes.length, bytes.length === size, delimiter);
    if (record === null) break;
    at = record.next;
  }
  const estimate = Math.ceil((records * size * 1.05) / bytes.length) + 1000;
  return { file: { path, bytes: size, firstRecord: header.next, columns }, records: estimate };
}
