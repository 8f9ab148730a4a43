/** Arguments and results of the pool's tasks: plain data that survives structured clone. Amounts are bigint, 1e-8 EUR. */

import type { KernelArgs, KernelResults } from '../../kernel/messages.ts';
import type { DecodedFile } from '../../providers/decode/file-pass.ts';
import type { HeaderFacts } from '../../providers/decode/header.ts';
import type { ContractTerm } from '../../providers/decode/start-reader.ts';
import type { Compression } from '../../providers/spec/files.ts';
import type { LayoutSpec } from '../../providers/spec/layout-spec.ts';
import type { Allowance, AllowanceState } from '../../telecom/allowance.ts';
import type { ZoneSet } from '../../telecom/zone-document.ts';
import type { FileProblem } from './file-problem.ts';

export interface DecodeArgs extends ContractTerm {
  readonly task: 'decode';
  /** Archived file. */
  readonly path: string;
  readonly compression: Compression;
  /** The file's own name, for messages; what it claims must equal the header's claims. */
  readonly name: string;
  /** Plain data; whoever posts it has checked it. */
  readonly spec: LayoutSpec;
  readonly account: string;
  readonly timeZone: string;
  readonly cycleDay: number;
  readonly numberMask: number;
  readonly hashKey: Uint8Array;
  /** Records that start later than this are impossible (UTC epoch ms). */
  readonly nowMs: number;
  /** Where the COPY rows go (`cdrSpoolColumns`); removed again when the file is refused. */
  readonly spoolPath: string;
  /** What a manifest or an overview says that the file holds: else it is refused (`manifest-count`, `manifest-sum`). */
  readonly expected?: { readonly records?: number | undefined; readonly amountE8?: bigint | undefined };
  /** Decode these lines only (both included) and check nothing of the whole: to find the record that kills its thread. */
  readonly only?: { readonly from: number; readonly to: number };
  /** Lines that kill their thread: quarantined unread. */
  readonly skip?: readonly number[];
}

/** Of a whole file: what was found in it, what its header claims, and the cycles of its rows (ISO dates, ascending). */
export type DecodeResult =
  | { readonly ok: false; readonly problem: FileProblem }
  | ({ readonly ok: true; readonly cycles: readonly string[] } & HeaderFacts & Omit<DecodedFile, 'header'>);

export interface RateCycleArgs {
  readonly task: 'rate-cycle';
  /** `ratingSpoolColumns` rows. */
  readonly recordsPath: string;
  /** `ratedSpoolColumns` rows are written here. */
  readonly ratedPath: string;
  readonly contractId: string;
  readonly cycleStart: string;
  readonly ratingRunId: string;
  readonly timeZone: string;
  readonly tariff: TariffBundle;
  /** Those of the contract; left out: none. */
  readonly allowances?: readonly Allowance[];
}

/** A tariff's live versions as they are in the database, oldest first, and those of its fallbacks by tariff code. */
export interface TariffBundle {
  readonly code: string;
  readonly versions: readonly { readonly id: string; readonly document: unknown }[];
  readonly fallbacks: Readonly<Record<string, readonly { readonly id: string; readonly document: unknown }[]>>;
  /** Zone sets of the provider of each of these tariffs, by tariff code. */
  readonly zoneSets?: Readonly<Record<string, readonly ZoneSet[]>>;
}

export interface RateCycleResult {
  readonly records: number;
  readonly rated: number;
  readonly unrated: number;
  readonly excluded: number;
  readonly amountE8: bigint;
  /** Reason -> number of records. */
  readonly unratedReasons: Readonly<Record<string, number>>;
  /** What was taken, of each subscription or of all. */
  readonly allowances: readonly AllowanceState[];
}

export interface TaskTiming {
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly thread: number;
}

/** The kernel's are parts of one pass (kernel/fused-pass.ts). */
export type TaskArgs = DecodeArgs | RateCycleArgs | KernelArgs;
export interface TaskResults extends KernelResults {
  readonly decode: DecodeResult;
  readonly 'rate-cycle': RateCycleResult;
}
