/** The documents that the product takes as invoices and credit notes, as its page tells them. Amounts are decimal text in EUR. */
export interface LineForm {
  line: number;
  msisdn?: string;
  category: string;
  description: string;
  correctsLine?: number;
  records?: number;
  quantity?: number;
  covered?: number;
  net: string;
  vatCode: string;
  period?: Period;
}

export interface Period {
  from: string;
  to: string;
}

export interface InvoiceForm {
  customer: string;
  provider: string;
  account: string;
  number: string;
  kind: 'invoice' | 'credit_note';
  refersTo?: string;
  date: string;
  period: Period;
  lines: LineForm[];
  vat: { code: string; percent: string; net: string; vat: string }[];
  total: { net: string; vat: string; gross: string };
}

/** One VAT code for all lines: the rates are not what the differences are about. */
export const vatCode = '21';

/** `extraVatE8`: what the provider adds to the right VAT. */
export function sums(netE8: bigint, extraVatE8: bigint): Pick<InvoiceForm, 'vat' | 'total'> {
  const vatE8 = cents(netE8 * 21n, 100n) + extraVatE8;
  const [net, vat] = [euros(netE8), euros(vatE8)];
  return {
    vat: [{ code: vatCode, percent: '21', net, vat }],
    total: { net, vat, gross: euros(netE8 + vatE8) },
  };
}

/** amount / by as whole cents, a half away from zero. */
export function cents(amountE8: bigint, by = 1n): bigint {
  const unit = 1_000_000n * by;
  const away = amountE8 < 0n ? -unit : unit;
  return ((2n * amountE8 + away) / (2n * unit)) * 1_000_000n;
}

/** `-12.3456` without zeros at its end. */
export function euros(amountE8: bigint): string {
  const sign = amountE8 < 0n ? '-' : '';
  const text = String(amountE8 < 0n ? -amountE8 : amountE8).padStart(9, '0');
  const behind = text.slice(-8).replace(/0+$/, '');
  return `${sign}${text.slice(0, -8)}${behind === '' ? '' : `.${behind}`}`;
}
