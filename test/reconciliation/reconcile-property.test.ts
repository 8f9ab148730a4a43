/** P7 of domain.md 5.9: the findings are the difference, whatever our totals and the invoices are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { InvoiceLine, OwnTotal } from '../../src/reconciliation/finding.ts';
import { reconcile } from '../../src/reconciliation/reconcile.ts';
import { lineToleranceE8, magnitude } from '../../src/reconciliation/tolerance.ts';
import { anna, bob, compared } from './example-lines.ts';

// few of each, so that much of it meets
const msisdn = fc.constantFrom(anna, bob, '31633333333');
const category = fc.constantFrom('national-mobile', 'sms', 'data-eu', 'recurring', 'credit', 'surcharge');
const amountE8 = fc.oneof(
  fc.constantFrom(0n, 500_000n, 12_500_000_00n, -250_000_000n),
  fc.bigInt({ min: -(10n ** 13n), max: 10n ** 13n }),
  // as close as tolerances are
  fc.bigInt({ min: 1_249_000_000n, max: 1_251_000_000n }),
);
const few = fc.nat({ max: 6 });
const amountOrNone = fc.option(fc.bigInt({ min: -50n, max: 5_000n }));

const ownTotals: fc.Arbitrary<OwnTotal[]> = fc.uniqueArray(
  fc.record({
    msisdn,
    category,
    records: fc.integer({ min: 1, max: 20 }),
    unrated: few,
    usage: fc.bigInt({ min: 0n, max: 5_000n }),
    covered: fc.bigInt({ min: 0n, max: 100n }),
    amountE8,
    fileAmountE8: amountE8,
  }),
  { selector: (total) => `${total.msisdn} ${total.category}`, maxLength: 12 },
);

const lineOf = (invoice: string, credit: boolean) =>
  fc
    .record<Omit<InvoiceLine, 'line' | 'invoice'>>({
      msisdn: fc.option(msisdn),
      category,
      description: fc.constantFrom('a', 'b'),
      corrects: credit ? fc.option(fc.record({ invoice: fc.constant('F1'), line: few })) : fc.constant(null),
      records: fc.option(fc.integer({ min: credit ? -20 : 0, max: 20 })),
      quantity: amountOrNone,
      covered: amountOrNone,
      unitPriceE8: fc.option(fc.constant(12_000_000n)),
      per: fc.option(fc.constant(60n)),
      netE8: amountE8,
      periodFrom: fc.constantFrom('2026-02-01', '2026-03-01', '2026-03-15'),
      periodTo: fc.constantFrom('2026-03-31', '2026-03-20', '2026-04-30'),
    })
    .map((line) => ({ ...line, invoice }));

const linesOf = (invoice: string, credit: boolean) =>
  fc
    .array(lineOf(invoice, credit), { maxLength: 10 })
    .map((all) => all.map((line, index) => ({ ...line, line: index })));

const sumsOf = (invoice: string) =>
  fc.record({
    invoice: fc.constant(invoice),
    netE8: amountE8,
    vatE8: amountE8,
    vat: fc.array(
      fc.record({ code: fc.constant('21'), rateE2: fc.constantFrom(0, 900, 2_100), netE8: amountE8, vatE8: amountE8 }),
      {
        maxLength: 2,
      },
    ),
  });

test('the findings of net and of VAT add up to the differences of net and VAT exactly', () => {
  fc.assert(
    fc.property(
      ownTotals,
      linesOf('F1', false),
      linesOf('C1', true),
      sumsOf('F1'),
      sumsOf('C1'),
      (own, charged, credited, invoice, creditNote) => {
        const given = compared({ own, lines: [...charged, ...credited], invoices: [invoice, creditNote] });
        const { findings, ownNetE8, invoiceNetE8, ownVatE8, invoiceVatE8 } = reconcile(given);
        const sum = (basis: string) =>
          findings.filter((one) => one.basis === basis).reduce((all, one) => all + one.diffE8, 0n);
        assert.equal(
          ownNetE8,
          own.reduce((all, one) => all + one.amountE8, 0n),
        );
        assert.equal(invoiceNetE8, invoice.netE8 + creditNote.netE8);
        assert.equal(sum('net'), invoiceNetE8 - ownNetE8);
        assert.equal(sum('vat'), invoiceVatE8 - ownVatE8);
        for (const one of findings) {
          assert.notEqual(one.diffE8, 0n);
          assert.equal(one.diffE8, one.providerE8 - one.ownE8);
          // rounding of a line is never more than its tolerance
          if (one.class === 'rounding' && one.msisdn !== null)
            assert.ok(magnitude(one.diffE8) <= lineToleranceE8(1_000));
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test('an invoice that charges our own totals has no finding', () => {
  fc.assert(
    fc.property(ownTotals, (totals) => {
      const own = totals.filter((total) => total.category !== 'surcharge');
      const lines = own.map((total, line) => ({
        ...total,
        invoice: 'F1',
        line,
        description: '',
        corrects: null,
        quantity: total.usage,
        unitPriceE8: null,
        per: null,
        netE8: total.amountE8,
        periodFrom: '2026-03-01',
        periodTo: '2026-03-31',
      }));
      assert.deepEqual(reconcile(compared({ own, lines })).findings, []);
    }),
  );
});
