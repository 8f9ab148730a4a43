/**
 * The fused pass over one CSV file: decoded, deduplicated, rated and totalled on the threads of a pool, in bounded memory, with
 * the totals that importing and rating the same records would give.
 *
 * - Threads take byte ranges; a border that was guessed wrong (possible only with line ends inside quotes) is noticed, the
 *   borders are then found in the order of the file, and the pass is made again.
 * - Of records with the same key the last in the file counts. Keys are kept in memory up to `dedupMemory`, beyond it on disk in
 *   `scratch`, which the caller made and removes.
 * - A wrong record is answered with its offset and a reason and counts for nothing; so does one that ends its thread
 *   (poison-records.ts). A file that is no CSV throws `UnreadableFileError`, a missing column an Error that names it.
 * - Aborting rejects with the signal's reason when every thread has stopped.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { movesOf, release } from '../compute/moving.ts';
import { byteRanges, unfinished } from './byte-ranges.ts';
import type { RecordFault } from './csv/csv-slow.ts';
import { sampleFile } from './csv/sample-file.ts';
import { bytesPerEntry } from './keys/key-log.ts';
import { lostInMemory } from './keys/lost-in-memory.ts';
import { SeenKeysFullError } from './keys/seen-keys.ts';
import { partitionsFor } from './keys/spilled-keys.ts';
import type {
  FuseResult,
  KernelArgs,
  KernelDedup,
  KernelFile,
  KernelRanges,
  KernelRating,
  UnratedCount,
} from './messages.ts';
import { blamesRecord, FailedPartsError, type PoisonRecord, withoutPoison } from './poison-records.ts';
import { brokenBorder } from './range-pass.ts';
import { noPrice, UnratedCounts } from './rating/unrated-reasons.ts';
import { type RunKernelTask, sideBySide } from './side-by-side.ts';
import { type MergedSlab, mergedRows } from './totals/merged-slab.ts';
import type { SlabRow } from './totals/totals-slab.ts';
import type { UsageLayout } from './usage-layout.ts';

export interface FusedPassOptions {
  readonly path: string;
  readonly layout: UsageLayout;
  readonly rating: KernelRating;
  readonly run: RunKernelTask;
  /** Tasks at a time. */
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Begins again when the pass has to be made again. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Bytes for record keys; beyond them keys go to disk. Default 1 GiB. */
  readonly dedupMemory?: number;
  /** A directory for keys that go to disk. */
  readonly scratch: string;
  /** Default 4 MiB; at least 4 KiB. */
  readonly rangeBytes?: number;
}

export interface FusedTotals {
  /** To be read by `mergedRows`. */
  readonly totals: MergedSlab;
  /** Records that count. */
  readonly records: number;
  /** Records that lost against a later one of the same key, equal or not. */
  readonly duplicates: number;
  /** Why records that count have no price. */
  readonly unrated: readonly UnratedCount[];
  /**
   * The wrong records, and those that lost and say something else than the record that counts; by offset. Of each thread at
   * most `mostFaults` of either.
   */
  readonly faults: readonly RecordFault[];
  readonly faultCount: number;
  readonly spilled: boolean;
  readonly bytes: number;
}

export interface FusedPassResult extends Omit<FusedTotals, 'totals'> {
  /** By subscriber, then kind. */
  readonly rows: readonly SlabRow[];
}

const defaultRangeBytes = 4 * 1024 * 1024;
/** Losers that are worth a task of their own. */
const settleAtLeast = 256;

/** `fusedTotals` with all rows at once. */
export async function fusedPass(options: FusedPassOptions): Promise<FusedPassResult> {
  const { totals, ...result } = await fusedTotals(options);
  return { ...result, rows: [...mergedRows(totals)] };
}

/** What takes long is done on the pool's threads; the caller's thread stays free. */
export async function fusedTotals(options: FusedPassOptions): Promise<FusedTotals> {
  const sample = sampleFile(options.path, options.layout);
  const file: KernelFile = { ...sample.file, rating: options.rating };
  const { run, signal } = options;
  const memory = options.dedupMemory ?? 2 ** 30;
  const mostBytes = (memory - sample.records * bytesPerEntry) / options.threads;
  const expected = Math.ceil(sample.records / options.threads);
  return withoutPoison(file, run, { signal }, async (poison) => {
    const onDisk = () => pass(options, file, spillTo(options, sample.records), poison);
    if (mostBytes <= 0) return onDisk();
    // each part between poison records has tables of its own
    const inMemory = { by: 'memory', expected, mostBytes: mostBytes / (poison.length + 1) } as const;
    try {
      return await pass(options, file, () => inMemory, poison);
    } catch (error) {
      // keys without order take more; and an error of a thread has its name, not its class
      if (!(error instanceof SeenKeysFullError) && (error as Error).name !== 'SeenKeysFullError') throw error;
      return onDisk();
    }
  });
}

type MakeDedup = () => KernelDedup;

function spillTo({ scratch, dedupMemory = 2 ** 30, threads }: FusedPassOptions, records: number): MakeDedup {
  const partitions = partitionsFor(records, dedupMemory / threads);
  // a pass that is made again finds nothing of the one before
  return () => ({ by: 'spill', directory: mkdtempSync(join(scratch, 'keys-')), partitions });
}

async function pass(
  options: FusedPassOptions,
  file: KernelFile,
  makeDedup: MakeDedup,
  poison: readonly PoisonRecord[],
): Promise<FusedTotals> {
  const guessed = makeDedup();
  const fused = poison.length === 0 ? await fuseGuessed(options, file, guessed) : null;
  if (fused !== null) return gather(options, file, guessed, fused, []);
  const exact = makeDedup();
  const parts: FuseResult[] = [];
  for (const part of between(file, poison)) parts.push(...(await fuseExact(options, part, exact)));
  const faults = poison.map(({ fault }) => fault);
  return gather(options, file, exact, parts, faults);
}

/** The file without these records: each part ends and begins where a record does. */
function between(file: KernelFile, poison: readonly PoisonRecord[]): KernelFile[] {
  const starts = [file.firstRecord, ...poison.map(({ next }) => next)];
  const ends = [...poison.map(({ fault }) => fault.offset), file.bytes];
  const parts = starts.map((firstRecord, index) => ({ ...file, firstRecord, bytes: ends[index]! }));
  return parts.filter(({ firstRecord, bytes }) => firstRecord < bytes);
}

/** Null when a border was guessed wrong: nothing of the pass can be used. */
async function fuseGuessed(
  options: FusedPassOptions,
  file: KernelFile,
  dedup: KernelDedup,
): Promise<FuseResult[] | null> {
  const ranges = byteRanges(file.bytes, options.rangeBytes ?? defaultRangeBytes, null);
  const fused = await fuseRanges(options, file, dedup, ranges);
  if (brokenBorder(ranges) < 0) return fused;
  release(fused.flatMap(movesOf));
  return null;
}

async function fuseExact(options: FusedPassOptions, file: KernelFile, dedup: KernelDedup): Promise<FuseResult[]> {
  const { rangeBytes = defaultRangeBytes, run, signal } = options;
  const found = byteRanges(file.bytes, rangeBytes, null);
  const whole = () => [{ from: file.firstRecord, to: file.bytes }];
  await blaming(whole, signal, () => run({ task: 'kernel-borders', file, ranges: found }, { signal }));
  const ranges = byteRanges(file.bytes, rangeBytes, found.starts);
  const fused = await fuseRanges(options, file, dedup, ranges);
  if (brokenBorder(ranges) >= 0) throw new Error(`${file.path}: the borders of its records are not the same twice`);
  return fused;
}

function fuseRanges(options: FusedPassOptions, file: KernelFile, dedup: KernelDedup, ranges: KernelRanges) {
  const workers = Math.min(options.threads, ranges.count);
  const args = { task: 'kernel-fuse', file, dedup, ranges } as const;
  const failed = () => unfinished(ranges, file);
  return blaming(failed, options.signal, () => sideBySide(options, new Array<typeof args>(workers).fill(args)));
}

/** What a record may be to blame for is told with the parts of the file where that record is. */
async function blaming<T>(
  parts: () => ReturnType<typeof unfinished>,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted || !blamesRecord(error)) throw error;
    throw new FailedPartsError(parts(), error);
  }
}

/** One result of what the threads found, the records that lost taken out. */
async function gather(
  options: FusedPassOptions,
  file: KernelFile,
  dedup: KernelDedup,
  fused: readonly FuseResult[],
  others: readonly RecordFault[],
): Promise<FusedTotals> {
  const { run, signal } = options;
  const inParallel = <A extends KernelArgs>(args: readonly A[]) => sideBySide({ run, signal }, args);
  const threadKeys = fused.map(({ keys }) => keys!);
  const lost = dedup.by === 'memory' ? await lostInMemory(threadKeys, inParallel) : await lostOnDisk(options, dedup);
  const settled = await settle(options, file, lost);
  const parts = [...fused, ...settled];
  const kinds = file.columns.kinds.length;
  const slabs = parts.map(({ slab }) => slab);
  const moves = slabs.map(({ rows }) => rows.buffer);
  const totals = await run({ task: 'kernel-merge', kinds, slabs, moves }, { signal });
  const unrated = new UnratedCounts(noPrice);
  for (const part of parts) unrated.merge(part.unrated);
  const faults = [...others, ...fused.flatMap((each) => each.faults)];
  for (const offset of settled.flatMap((each) => each.conflicts)) {
    faults.push({ offset, code: 'conflicting-duplicate', field: null });
  }
  const wrong = fused.reduce((sum, each) => sum + each.faultCount, others.length);
  return {
    totals,
    records: Number(totals.sums.reduce((sum, { records }) => sum + records, 0n)),
    duplicates: lost.length / 2,
    unrated: unrated.list(),
    faults: faults.sort((a, b) => a.offset - b.offset),
    faultCount: settled.reduce((sum, each) => sum + each.conflictCount, wrong),
    spilled: dedup.by === 'spill',
    bytes: file.bytes,
  };
}

async function lostOnDisk(
  { run, signal, threads }: FusedPassOptions,
  { directory, partitions }: KernelDedup & { readonly by: 'spill' },
): Promise<Float64Array> {
  const workers = Math.min(threads, partitions);
  const share = Math.ceil(partitions / workers);
  const tasks = Array.from({ length: workers }, (_, worker) => ({
    task: 'kernel-partitions' as const,
    directory,
    from: worker * share,
    to: Math.min(partitions, (worker + 1) * share),
  }));
  const pairs = await sideBySide({ run, signal }, tasks);
  return run({ task: 'kernel-in-order', pairs }, { signal });
}

function settle({ run, signal, threads }: FusedPassOptions, file: KernelFile, lost: Float64Array) {
  const workers = Math.min(threads, Math.ceil(lost.length / 2 / settleAtLeast));
  const share = Math.ceil(lost.length / 2 / workers) * 2;
  const tasks = Array.from({ length: workers }, (_, worker) => ({
    task: 'kernel-settle' as const,
    file,
    lost: lost.slice(worker * share, (worker + 1) * share),
  }));
  return sideBySide({ run, signal }, tasks);
}
