/**
 * Arguments and results of the kernel's tasks on pool threads: plain data, and arrays that are not copied: they are in shared
 * memory, or they move (`moves`, compute/moving.ts).
 */
import type { Moving } from '../compute/moving.ts';
import type { RecordFault } from './csv/csv-slow.ts';
import type { KeyLogPart } from './keys/key-log.ts';
import type { KeySlots } from './keys/seen-keys.ts';
import type { WantedTables } from './keys/wanted-keys.ts';
import type { PriceTables } from './rating/price-list.ts';
import type { MergedSlab } from './totals/merged-slab.ts';
import type { SlabTables } from './totals/totals-slab.ts';
import type { UsageColumns } from './usage-layout.ts';

/** A file, and how its records are read and rated. */
export interface KernelFile {
  readonly path: string;
  readonly bytes: number;
  /** Where the first record begins: behind the header. */
  readonly firstRecord: number;
  readonly columns: UsageColumns;
  readonly rating: KernelRating;
}

export type KernelRating =
  | { readonly by: 'prices'; readonly tables: PriceTables }
  | {
      readonly by: 'rules';
      /** A `TariffBundle` as JSON in shared memory; a thread compiles it once for each hash. */
      readonly tariff: Uint8Array<SharedArrayBuffer>;
      readonly hash: string;
      readonly timeZone: string;
      readonly numberMask: number;
    };

export type KernelDedup =
  | {
      readonly by: 'memory';
      /** Records that a thread will meet, about. */
      readonly expected: number;
      /** For a thread's table of keys. */
      readonly mostBytes: number;
    }
  | { readonly by: 'spill'; readonly directory: string; readonly partitions: number };

/** Byte ranges, shared by the threads that work them off. */
export interface KernelRanges {
  readonly rangeBytes: number;
  readonly count: number;
  /** Number of the next range that nobody has taken. */
  readonly next: Int32Array<SharedArrayBuffer>;
  /** Where the first record of a range begins: known beforehand when `exact`, else the thread's guess. */
  readonly starts: Float64Array<SharedArrayBuffer>;
  /** Where the first record behind the range begins. */
  readonly ends: Float64Array<SharedArrayBuffer>;
  readonly exact: boolean;
  /** Bytes worked off by all threads, in KiB. */
  readonly doneKb: Int32Array<SharedArrayBuffer>;
}

export type KernelArgs =
  | {
      readonly task: 'kernel-fuse';
      readonly file: KernelFile;
      readonly dedup: KernelDedup;
      readonly ranges: KernelRanges;
    }
  | { readonly task: 'kernel-borders'; readonly file: KernelFile; readonly ranges: KernelRanges }
  | (Moving & {
      readonly task: 'kernel-wanted';
      /** Of each thread, and the keys that it met again. */
      readonly tables: readonly KeySlots[];
      readonly repeated: readonly Int32Array[];
    })
  | (Moving & { readonly task: 'kernel-places'; readonly log: readonly KeyLogPart[]; readonly wanted: WantedTables })
  | { readonly task: 'kernel-lost'; readonly count: number; readonly places: readonly Float64Array[] }
  | { readonly task: 'kernel-partitions'; readonly directory: string; readonly from: number; readonly to: number }
  | { readonly task: 'kernel-in-order'; readonly pairs: readonly Float64Array[] }
  | (Moving & { readonly task: 'kernel-merge'; readonly kinds: number; readonly slabs: readonly SlabTables[] })
  | CutArgs
  | { readonly task: 'kernel-probe'; readonly file: KernelFile; readonly from: number; readonly to: number }
  | {
      readonly task: 'kernel-settle';
      readonly file: KernelFile;
      /** Pairs: a record that lost, the one that counts. */
      readonly lost: Float64Array;
    };

/** Cuts the file into records, in its order and without reading one; answers those that begin in a part of it. */
export interface CutArgs {
  readonly task: 'kernel-cut';
  readonly file: KernelFile;
  readonly from: number;
  readonly to: number;
}

/** Records of a kind that have no price for a reason; of settled ones negative. */
export interface UnratedCount {
  /** Index into the layout's kinds. */
  readonly kind: number;
  readonly reason: string;
  readonly records: number;
}

export interface FuseResult extends Moving {
  readonly slab: SlabTables;
  readonly unrated: readonly UnratedCount[];
  /** Null when the keys went to disk. */
  readonly keys: ThreadKeys | null;
  readonly faults: readonly RecordFault[];
  /** All faults, also those above `mostFaults` that are not listed. */
  readonly faultCount: number;
}

/** The keys that a thread met. */
export interface ThreadKeys {
  readonly slots: KeySlots;
  /** High and low word of each key that it met again. */
  readonly repeated: Int32Array;
  readonly log: readonly KeyLogPart[];
}

export interface SettleResult extends Moving {
  /** Sums of the lost records, to be taken out: all negative. */
  readonly slab: SlabTables;
  readonly unrated: readonly UnratedCount[];
  /** Lost records that say something else than the one that counts; at most `mostFaults`. */
  readonly conflicts: readonly number[];
  readonly conflictCount: number;
}

export interface KernelResults {
  readonly 'kernel-fuse': FuseResult;
  readonly 'kernel-borders': null;
  readonly 'kernel-wanted': WantedTables;
  /** Pairs: a wanted key's number, a record's offset. */
  readonly 'kernel-places': Float64Array;
  /** Pairs: a record that lost, the one that counts; in the order of the file. */
  readonly 'kernel-lost': Float64Array;
  readonly 'kernel-in-order': Float64Array;
  readonly 'kernel-merge': MergedSlab;
  /** Pairs as these, in no order. */
  readonly 'kernel-partitions': Float64Array;
  /** Where the records begin, and behind them where the last one ends. */
  readonly 'kernel-cut': Float64Array;
  readonly 'kernel-probe': null;
  readonly 'kernel-settle': SettleResult;
}

/** Faults that a task lists; a file with more of them is not worth listing. */
export const mostFaults = 1000;
