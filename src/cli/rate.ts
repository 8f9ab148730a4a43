/** `linekeeper rate`: tries a tariff on records, without a service. Always JSON; the forms are in docs/tariff.md. */
import { rateRecords } from '../telecom/rate-records.ts';
import type { CliIo, CommonOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { printJson } from './print.ts';
import { readDocument } from './read-document.ts';

export interface RateOptions extends CommonOptions {
  readonly tariff: string;
  readonly records: string;
  readonly zones?: string;
  readonly fallback?: readonly string[];
  readonly numberMask: number;
}

export async function rate(io: CliIo, options: RateOptions): Promise<number> {
  if (options.numberMask < 3 || options.numberMask > 6) {
    throw new CliError(exitCode.usage, `--number-mask ${options.numberMask} must be from 3 to 6`);
  }
  const named = (file: string) => ({ name: file, document: readDocument(io, file) });
  const outcomes = rateRecords({
    tariffs: [options.tariff, ...(options.fallback ?? [])].map(named),
    records: named(options.records),
    ...(options.zones !== undefined && { zones: named(options.zones) }),
    numberMask: options.numberMask,
  });
  printJson(io, outcomes);
  return exitCode.ok;
}
