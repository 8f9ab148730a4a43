import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Compared } from '../../src/reconciliation/finding.ts';
import { reconcile } from '../../src/reconciliation/reconcile.ts';
import { formatAmountE8 } from '../../src/telecom/money.ts';
import { anna, bob, compared, e8, invoiceOf, line, own } from './example-lines.ts';

/** `class amount` of each finding; what P7 says holds for every example here. */
function found(given: Partial<Compared>): string[] {
  const { findings, ownNetE8, invoiceNetE8, ownVatE8, invoiceVatE8 } = reconcile(compared(given));
  const sum = (basis: string) =>
    findings.filter((one) => one.basis === basis).reduce((all, one) => all + one.diffE8, 0n);
  assert.equal(sum('net'), invoiceNetE8 - ownNetE8);
  assert.equal(sum('vat'), invoiceVatE8 - ownVatE8);
  for (const one of findings) assert.equal(one.diffE8, one.providerE8 - one.ownE8);
  return findings.map((one) => `${one.class} ${formatAmountE8(one.diffE8)}`);
}

describe('every difference is of one class', () => {
  const mobile = 'national-mobile';

  test('what both sides say alike is none, and what nobody charges for nothing neither', () => {
    assert.deepEqual(
      found({ own: [own(anna, mobile, '1.25'), own(anna, 'sms', '0')], lines: [line(anna, mobile, '1.25')] }),
      [],
    );
  });

  test('a few cents, by the number of records, are rounding', () => {
    const of = (net: string, records: number) =>
      found({ own: [own(anna, mobile, '1.00', records)], lines: [line(anna, mobile, net, { records })] });
    assert.deepEqual(of('1.005', 1), ['rounding 0.0050']);
    assert.deepEqual(of('1.0051', 1), ['rate_difference 0.0051']);
    assert.deepEqual(of('0.95', 10), ['rounding -0.0500']);
    assert.deepEqual(of('1.0501', 1_000), ['rate_difference 0.0501']);
  });

  test('a charge without any record of ours is a missing record, a record without a charge an extra one', () => {
    assert.deepEqual(found({ lines: [line(anna, mobile, '3')] }), ['missing_cdr 3.0000']);
    assert.deepEqual(found({ own: [own(anna, mobile, '3')] }), ['extra_cdr -3.0000']);
  });

  test('more or fewer records than ours explain a difference that about so many cost', () => {
    const of = (net: string, records: number | null, quantity: bigint | null = null) =>
      found({ own: [own(anna, mobile, '1.00')], lines: [line(anna, mobile, net, { records, quantity })] });
    assert.deepEqual(of('1.30', 12), ['missing_cdr 0.3000']);
    assert.deepEqual(of('0.75', 8), ['extra_cdr -0.2500']);
    // nobody counted: the usage tells
    assert.deepEqual(of('1.30', null, 780n), ['missing_cdr 0.3000']);
    // two more at our 0.10 are 0.20, and 4.80 are something else
    assert.deepEqual(of('6.00', 12), ['missing_cdr 0.2000', 'rate_difference 4.8000']);
    assert.deepEqual(of('0.10', 9), ['extra_cdr -0.1000', 'rate_difference -0.8000']);
    // more records that cost less are no missing ones
    assert.deepEqual(of('0.50', 12), ['rate_difference -0.5000']);
  });

  test('as many records at another price are a difference of rates, with both prices', () => {
    const lines = [line(anna, mobile, '1.20', { unitPriceE8: e8('0.12'), per: 60n })];
    const given = { own: [own(anna, mobile, '1.00')], lines };
    assert.deepEqual(found(given), ['rate_difference 0.2000']);
    const { evidence } = reconcile(compared(given)).findings[0]!;
    assert.equal((evidence.own as { price: string }).price, '0.1000 per minute');
    assert.deepEqual(
      [(evidence.provider as { price: string }).price, (evidence.provider as { statedPrices: string[] }).statedPrices],
      ['0.1200 per minute', ['0.1200 per 60']],
    );
  });

  test('usage that only one side takes from the allowance is a difference of allowances', () => {
    assert.deepEqual(
      found({
        own: [{ ...own(anna, mobile, '1.00'), covered: 60n }],
        lines: [line(anna, mobile, '1.10', { covered: 0n })],
      }),
      ['allowance_difference 0.1000'],
    );
  });

  test('fees want a subscription that is ours and has not ended', () => {
    assert.deepEqual(found({ lines: [line('31699999999', 'recurring', '12.50')] }), [
      'recurring_without_subscription 12.5000',
    ]);
    assert.deepEqual(found({ lines: [line(null, 'recurring', '12.50')] }), ['recurring_without_subscription 12.5000']);
    assert.deepEqual(found({ lines: [line(bob, 'recurring', '12.50')] }), ['subscription_ended 12.5000']);
    assert.deepEqual(found({ lines: [line(anna, 'recurring', '12.50')] }), ['missing_cdr 12.5000']);
  });

  test('a line that stands twice is a duplicate, unless our total has both', () => {
    const twice = [line(anna, 'recurring', '12.50'), line(anna, 'recurring', '12.50')];
    assert.deepEqual(found({ own: [own(anna, 'recurring', '12.50', 10)], lines: twice }), ['duplicate_line 12.5000']);
    assert.deepEqual(found({ own: [own(anna, 'recurring', '25.00', 20)], lines: twice }), []);
    assert.deepEqual(found({ own: [own(anna, 'recurring', '12.497', 10)], lines: twice }), [
      'duplicate_line 12.5000',
      'rounding 0.0030',
    ]);
    const thrice = [...twice, line(anna, 'recurring', '12.50')];
    assert.deepEqual(found({ own: [own(anna, 'recurring', '12.50', 10)], lines: thrice }), [
      'duplicate_line 12.5000',
      'duplicate_line 12.5000',
    ]);
  });

  test('lines of a category that nobody knows, and of another period, stand by themselves', () => {
    const lines = [
      line(anna, 'surcharge', '1.00'),
      line(anna, mobile, '2.00', { periodFrom: '2026-02-01', periodTo: '2026-02-28' }),
      line(anna, mobile, '1.00', { periodFrom: '2026-03-10', periodTo: '2026-03-20' }),
    ];
    assert.deepEqual(found({ own: [own(anna, mobile, '1.00')], lines }), [
      'unknown_category 1.0000',
      'period_mismatch 2.0000',
    ]);
  });

  test('fees in advance belong to the cycle of the fees', () => {
    const april = { from: '2026-04-01', to: '2026-04-30' };
    const fee = line(anna, 'recurring', '12.50', { periodFrom: april.from, periodTo: april.to });
    const both = { own: [own(anna, 'recurring', '12.50')], lines: [fee] };
    assert.deepEqual(found({ ...both, feesPeriod: april }), []);
    assert.deepEqual(found(both), ['period_mismatch 12.5000', 'extra_cdr -12.5000']);
  });

  test('what the net of an invoice has beside its lines is rounding', () => {
    const lines = [line(anna, mobile, '1.2345')];
    const invoices = [invoiceOf(lines, { netE8: e8('1.23') })];
    assert.deepEqual(found({ own: [own(anna, mobile, '1.2345')], lines, invoices }), ['rounding -0.0045']);
  });

  test('VAT is calculated again from the net of each code, to the cent', () => {
    const lines = [line(anna, mobile, '100.02')];
    const row = { code: '21', rateE2: 2_100, netE8: e8('100.02') };
    const of = (stated: string, total = stated) =>
      found({
        own: [own(anna, mobile, '100.02')],
        lines,
        invoices: [invoiceOf(lines, { vat: [{ ...row, vatE8: e8(stated) }], vatE8: e8(total) })],
      });
    assert.deepEqual(of('21.00'), []);
    assert.deepEqual(of('21.01'), ['vat_error 0.0100']);
    assert.deepEqual(of('21.00', '20.99'), ['vat_error -0.0100']);
  });
});

describe('a credit note nets what it takes back', () => {
  const credit = (over: object) =>
    line(anna, 'recurring', '-12.50', { invoice: 'C1', records: -10, quantity: -600n, ...over });

  test('by the line it names, also of a line that is a finding by itself', () => {
    const charged = line(anna, 'surcharge', '12.50', { invoice: 'F1' });
    const corrects = { invoice: 'F1', line: charged.line };
    const lines = [charged, credit({ category: 'surcharge', corrects })];
    assert.deepEqual(found({ lines }), []);
    const half = [charged, credit({ category: 'surcharge', corrects, netE8: e8('-5') })];
    assert.deepEqual(found({ lines: half }), ['unknown_category 7.5000']);
  });

  test('by the line it names, whatever else the credit is called', () => {
    const charged = line('31699999999', 'recurring', '12.50');
    const corrects = { invoice: 'F1', line: charged.line };
    const named = credit({ msisdn: null, category: 'credit', corrects });
    assert.deepEqual(found({ lines: [charged, named] }), []);
  });

  test('and without one by subscription, category and period', () => {
    const lines = [line(anna, 'recurring', '12.50'), line(anna, 'recurring', '12.50'), credit({})];
    assert.deepEqual(found({ own: [own(anna, 'recurring', '12.50')], lines }), []);
  });

  test('one for a line that is not there is an amount of its own', () => {
    const lines = [credit({ corrects: { invoice: 'F9', line: 1 } })];
    assert.deepEqual(found({ own: [own(anna, 'recurring', '12.50')], lines }), ['extra_cdr -25.0000']);
  });
});
