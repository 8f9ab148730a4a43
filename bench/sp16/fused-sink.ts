/** Decoded records straight into rater and totals: no spool, no rows. The other sink of the one decoder. */
import { TextMemo } from '../../src/compute/tasks/text-memo.ts';
import type { RecordSink, Sp16Record } from '../../src/providers/kpn-sp16/decode/record.ts';
import { recordLayout } from '../../src/providers/kpn-sp16/layout.ts';
import type { CompiledTariff } from '../../src/telecom/compiled-tariff.ts';
import { createRater, type Rater } from '../../src/telecom/rating.ts';
import { createUsageTotals, type TotalledRecord, type UsageTotals } from '../../src/telecom/totals.ts';

const msisdnAt = recordLayout.msisdn.from - 1;

export class FusedSink implements RecordSink {
  readonly #rater: Rater;
  readonly #texts = new TextMemo();
  readonly #total: TotalledRecord = {
    msisdn: '',
    category: '',
    unrated: false,
    usageS: 0,
    usageOctets: 0,
    usageCount: 0,
    amountE8: 0,
    providerAmountE8: 0,
  };
  totals: UsageTotals = createUsageTotals();

  constructor(tariff: CompiledTariff) {
    this.#rater = createRater(tariff);
  }

  begin(): void {
    this.totals = createUsageTotals();
  }

  record(record: Sp16Record): void {
    const rated = this.#rater.rate(record);
    const total = this.#total;
    total.msisdn = this.#texts.of(record.bytes, record.at + msisdnAt, record.msisdnDigits);
    total.category = record.category;
    total.unrated = rated.status === 'unrated';
    total.usageS = record.usageS;
    total.usageOctets = record.usageOctets;
    total.usageCount = record.usageCount;
    total.amountE8 = rated.amountE8;
    total.providerAmountE8 = record.providerAmountE8;
    this.totals.add(total);
  }

  end(): void {}

  discard(): void {
    this.totals = createUsageTotals();
  }
}
