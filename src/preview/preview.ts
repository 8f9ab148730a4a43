/**
 * What a file of usage records would cost under a tariff, without importing anything of it: the kernel's fused pass on the
 * node's compute threads. Totals are those of an import of the same records under the same tariff, but for what the pass does not
 * know, which is told in `notes`.
 *
 * Keys that do not fit the memory go to a directory of `spoolDirectory` that is removed again, however the preview ends. Rejects
 * with `InputError` for what is wrong with the file (also that it changed meanwhile) or the disk, and with the signal's reason
 * when every thread has stopped.
 */
import { mkdtempSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../input-error.ts';
import { type FusedTotals, fusedTotals } from '../kernel/fused-pass.ts';
import type { RunKernelTask } from '../kernel/side-by-side.ts';
import { mergedRows } from '../kernel/totals/merged-slab.ts';
import type { SlabSums } from '../kernel/totals/totals-slab.ts';
import type { UsageLayout } from '../kernel/usage-layout.ts';
import { maskNumber } from '../log/mask.ts';
import { type PreviewTariff, ratingBy } from './preview-tariff.ts';
import type { PreviewEnd, PreviewRow } from './views.ts';

export interface PreviewRequest {
  readonly file: string;
  readonly layout: UsageLayout;
  readonly tariff: PreviewTariff;
  readonly timeZone: string;
  /** Digits at the end of a dialled number that an import would not keep. */
  readonly numberMask: number;
  /** Show the numbers of subscribers. */
  readonly numbers: boolean;
}

export interface PreviewMeans {
  readonly run: RunKernelTask;
  readonly threads: number;
  /** Bytes for record keys. */
  readonly keyMemory: number;
  readonly spoolDirectory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

export interface Preview {
  readonly rows: Iterable<PreviewRow>;
  readonly end: PreviewEnd;
}

export async function preview(request: PreviewRequest, means: PreviewMeans): Promise<Preview> {
  const { file: path, layout, tariff } = request;
  const { keyMemory: dedupMemory, spoolDirectory, ...rest } = means;
  const before = stampOf(path);
  const scratch = mkdtempSync(join(spoolDirectory, 'preview-'));
  try {
    const rating = ratingBy(tariff, request);
    const result = await fusedTotals({ path, layout, rating, scratch, dedupMemory, ...rest });
    if (stampOf(path) !== before) throw new Error('it changed');
    return { rows: rowsOf(result, request), end: endOf(result, request) };
  } catch (error) {
    means.signal.throwIfAborted();
    if (stampOf(path) !== before)
      throw new InputError(`${path} changed while it was read; ask again`, { cause: error });
    throw inputError(error, path);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What a copy that is still being written changes. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : 'gone';
}

/** Names, because an error of a thread has lost its class. */
const ofTheFile = new Set(['UnreadableFileError', 'PoisonedFileError']);

function inputError(error: unknown, path: string): unknown {
  const { name, message, code } = error as NodeJS.ErrnoException;
  const ofTheSystem = /^E[A-Z]+$/.test(code ?? '');
  if (!ofTheFile.has(name) && !ofTheSystem) return error;
  return new InputError(`${path}: ${message}`, { cause: error });
}

function* rowsOf({ totals }: FusedTotals, { layout, numbers }: PreviewRequest): Iterable<PreviewRow> {
  for (const { subscriber, kind: index, ...sums } of mergedRows(totals)) {
    const { kind, category } = layout.kinds[index]!;
    const number = String(subscriber);
    yield {
      subscriber: numbers ? number : maskNumber(number),
      word: layout.kinds[index]!.word,
      kind,
      category,
      records: String(sums.records),
      unrated: String(sums.unrated),
      usage: String(sums.usage),
      amountE8: String(sums.amountE8),
      providerAmountE8: String(sums.chargeE8),
    };
  }
}

function endOf(result: FusedTotals, { file, layout, tariff, timeZone, numberMask }: PreviewRequest): PreviewEnd {
  const { totals, records, duplicates, unrated, faults, faultCount, bytes } = result;
  const sum = (of: (sums: SlabSums) => bigint) => String(totals.sums.reduce((all, sums) => all + of(sums), 0n));
  return {
    file,
    bytes,
    tariff: tariff.code,
    version: tariff.version,
    timeZone,
    numberMask,
    records,
    duplicates,
    unrated: Number(sum(({ unrated: count }) => count)),
    amountE8: sum(({ amountE8 }) => amountE8),
    providerAmountE8: sum(({ chargeE8 }) => chargeE8),
    unratedReasons: unrated.map(({ kind, ...why }) => ({ word: layout.kinds[kind]!.word, ...why })),
    faultCount,
    faults,
    keysOnDisk: result.spilled,
    notes: notesOf(tariff),
  };
}

/** What an import under this tariff would do and the pass does not. */
function notesOf({ code, contracts, withAllowances }: PreviewTariff): string[] {
  if (withAllowances === 0) return [];
  const of = `${withAllowances} of ${contracts} contracts with tariff ${code}`;
  return [`allowances are not applied: ${of} have allowances or shared bundles, and would pay less than this`];
}
