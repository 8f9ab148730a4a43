/** Decoded records straight into rater and totals: no spool, no rows. The other sink of the one decoder. */
import { type Code, unknownCategory } from '../../src/providers/decode/code-table.ts';
import { readDigits } from '../../src/providers/decode/digits.ts';
import type { DecodedRecord, RecordSink } from '../../src/providers/decode/record.ts';
import { callCategories } from '../../src/providers/kpn-sp16/call-codes.ts';
import type { CompiledTariff } from '../../src/telecom/compiled-tariff.ts';
import { createRater, type Rater } from '../../src/telecom/rating.ts';
import type { UsageTotal } from '../../src/telecom/totals.ts';
import { TotalsSlab } from './totals-slab.ts';

const charges = ['recurring', 'oneoff', 'credit'];
const categories = [...new Set(Object.values(callCategories)), unknownCategory, ...charges];

export class FusedSink implements RecordSink {
  readonly #rater: Rater;
  readonly #entry = { unrated: false, usageS: 0, usageOctets: 0, usageCount: 0, amountE8: 0, providerAmountE8: 0 };
  #slab = new TotalsSlab(categories);
  /** Index of a code's category, so that no text is looked up per record. */
  readonly #categoryOfCode: number[] = [];

  constructor(tariff: CompiledTariff) {
    this.#rater = createRater(tariff);
  }

  totals(): UsageTotal[] {
    return this.#slab.rows();
  }

  begin(): void {
    this.#slab = new TotalsSlab(categories);
  }

  record(record: DecodedRecord): void {
    const rated = this.#rater.rate(record);
    const entry = this.#entry;
    entry.unrated = rated.status === 'unrated';
    entry.usageS = record.usageS;
    entry.usageOctets = record.usageOctets;
    entry.usageCount = record.usageCount;
    entry.amountE8 = rated.amountE8;
    entry.providerAmountE8 = record.providerAmountE8;
    const msisdn = readDigits(record.bytes, record.msisdnFrom, record.msisdnDigits);
    const category = record.code === null ? categories.indexOf(record.category) : this.#categoryOf(record.code);
    this.#slab.add(msisdn, category, entry);
  }

  #categoryOf(code: Code): number {
    const known = this.#categoryOfCode[code.index];
    if (known !== undefined) return known;
    const category = categories.indexOf(code.category);
    this.#categoryOfCode[code.index] = category;
    return category;
  }

  end(): void {}

  discard(): void {
    this.begin();
  }
}
