/**
 * Can a call be that long, and a record cost that much? A decimal comma read as a point, or amounts in another unit, make every record a hundred times
 * too dear, and sums that come from the same source agree with it (F10). The bounds are the layout's own.
 */
import type { RecordsSpec } from '../spec/records.ts';
import type { FieldPlan } from './field-plan.ts';
import { fault, type LineFault } from './line-fault.ts';
import type { DecodedRecord } from './record.ts';

type Bound = RecordsSpec['plausible'][number];

export class Plausibility {
  readonly longestCallS: number;
  readonly #bounds: readonly Bound[];

  constructor({ plausible, longestCallHours }: Pick<RecordsSpec, 'plausible' | 'longestCallHours'>) {
    this.longestCallS = longestCallHours * 3_600;
    this.#bounds = plausible;
  }

  faultOf(amount: FieldPlan, record: DecodedRecord): LineFault | null {
    for (let index = 0; index < this.#bounds.length; index += 1) {
      const { kind, per, atMostE8, plusE8 } = this.#bounds[index]!;
      if (kind !== record.kind) continue;
      const units = Math.ceil(record.usage / per);
      if (Math.abs(record.providerAmountE8) > plusE8 + units * atMostE8) {
        return fault('implausible', amount, 'is more than such a record can cost');
      }
    }
    return null;
  }
}
