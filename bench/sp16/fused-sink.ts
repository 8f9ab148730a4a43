/** Decoded records straight into rater and totals: no spool, no rows. The other sink of the one decoder. */
import { callCategories, callCodes, unknownCategory } from '../../src/providers/kpn-sp16/call-codes.ts';
import { readDigits } from '../../src/providers/kpn-sp16/decode/digits.ts';
import type { RecordSink, Sp16Record } from '../../src/providers/kpn-sp16/decode/record.ts';
import { recordLayout } from '../../src/providers/kpn-sp16/layout.ts';
import type { CompiledTariff } from '../../src/telecom/compiled-tariff.ts';
import { createRater, type Rater } from '../../src/telecom/rating.ts';
import type { UsageTotal } from '../../src/telecom/totals.ts';
import { TotalsSlab } from './totals-slab.ts';

const msisdnAt = recordLayout.msisdn.from - 1;
const charges = ['recurring', 'oneoff', 'credit'];
const categories = [...new Set(Object.values(callCategories)), unknownCategory, ...charges];
/** Index of a call code's category, so that no text is looked up per record. */
const categoryOfCode = new Map(callCodes.map((code) => [code, categories.indexOf(code.category)]));

export class FusedSink implements RecordSink {
  readonly #rater: Rater;
  readonly #entry = { unrated: false, usageS: 0, usageOctets: 0, usageCount: 0, amountE8: 0, providerAmountE8: 0 };
  #slab = new TotalsSlab(categories);

  constructor(tariff: CompiledTariff) {
    this.#rater = createRater(tariff);
  }

  totals(): UsageTotal[] {
    return this.#slab.rows();
  }

  begin(): void {
    this.#slab = new TotalsSlab(categories);
  }

  record(record: Sp16Record): void {
    const rated = this.#rater.rate(record);
    const entry = this.#entry;
    entry.unrated = rated.status === 'unrated';
    entry.usageS = record.usageS;
    entry.usageOctets = record.usageOctets;
    entry.usageCount = record.usageCount;
    entry.amountE8 = rated.amountE8;
    entry.providerAmountE8 = record.providerAmountE8;
    const msisdn = readDigits(record.bytes, record.at + msisdnAt, record.msisdnDigits);
    const code = record.callCode;
    const category = code === null ? categories.indexOf(record.category) : categoryOfCode.get(code)!;
    this.#slab.add(msisdn, category, entry);
  }

  end(): void {}

  discard(): void {
    this.begin();
  }
}
