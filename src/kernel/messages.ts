/** Arguments and results of the kernel's tasks on pool threads: plain data, and arrays in shared memory that are not copied. */
import type { RecordFault } from './csv-slow.ts';
import type { PriceTables } from './price-list.ts';
import type { SeenTables } from './seen-keys.ts';
import type { SlabTables } from './totals-slab.ts';
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
  | { readonly by: 'memory'; readonly tables: SeenTables }
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
  | { readonly task: 'kernel-partitions'; readonly directory: string; readonly from: number; readonly to: number }
  | {
      readonly task: 'kernel-settle';
      readonly file: KernelFile;
      /** Pairs: a record that lost, the one that counts. */
      readonly lost: Float64Array;
    };

export interface FuseResult {
  readonly slab: SlabTables;
  /** Pairs: a record that lost, one of its key behind it. */
  readonly lost: Float64Array;
  readonly faults: readonly RecordFault[];
  /** All faults, also those above `mostFaults` that are not listed. */
  readonly faultCount: number;
}

export interface SettleResult {
  /** Sums of the lost records, to be taken out: all negative. */
  readonly slab: SlabTables;
  /** Lost records that say something else than the one that counts. */
  readonly conflicts: readonly number[];
}

export interface KernelResults {
  readonly 'kernel-fuse': FuseResult;
  readonly 'kernel-borders': null;
  readonly 'kernel-partitions': Float64Array;
  readonly 'kernel-settle': SettleResult;
}

/** Faults that a task lists; a file with more of them is not worth listing. */
export const mostFaults = 1000;
