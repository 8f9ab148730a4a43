/** Invoices and reconciliations of the small fixed world behind the doors. */
import type { AdminServices } from '../../src/admin/services.ts';
import type { FindingView, InvoiceView, ReconciliationView } from '../../src/admin/views.ts';

type Called = <T>(name: string, input: unknown, answer: T) => T;

const at = '2026-04-03T10:00:00Z';
const place = { customer: 'C001', account: '0000000101', cycleStart: '2026-03-01' };

const invoice: InvoiceView = {
  ...place,
  id: '5',
  number: '2026-0017',
  version: 1,
  state: 'current',
  kind: 'invoice',
  refersTo: null,
  date: '2026-04-03',
  feesCycleStart: '2026-03-01',
  netE8: '1234567800',
  vatE8: '259000000',
  grossE8: '1493567800',
  lineCount: 1,
  loadedBy: 'anna@cli',
  loadedAt: at,
  reconciled: { generation: 2, status: 'differs' },
};

const line = {
  line: 1,
  msisdn: '31612345678',
  category: 'national-mobile',
  description: 'Bellen 31612345678',
  correctsLine: null,
  records: '121',
  quantity: '3660',
  covered: null,
  unitPriceE8: '12000000',
  per: '60',
  netE8: '1234567800',
  vatCode: '21',
  periodFrom: '2026-03-01',
  periodTo: '2026-03-31',
};

const finding: FindingView = {
  id: '71',
  basis: 'net',
  class: 'missing_cdr',
  msisdn: '31612345678',
  category: 'national-mobile',
  ownE8: '1200000000',
  providerE8: '1234567800',
  diffE8: '34567800',
  evidence: {
    description: 'Bellen 31612345678',
    lines: [{ invoice: '2026-0017', line: 1 }],
    own: { records: 120, usage: '3600', covered: '0', price: '0.2000 per minute', fileAmount: '12.0000' },
    provider: {
      records: 121,
      usage: '3660',
      covered: null,
      price: '0.2024 per minute',
      statedPrices: ['0.1200 per 60'],
    },
  },
  state: 'open',
  stateBy: null,
  stateWhy: null,
  stateAt: at,
};

const reconciliation: ReconciliationView = {
  ...place,
  id: '9',
  generation: 2,
  feesCycleStart: '2026-03-01',
  feesGeneration: 2,
  invoices: ['2026-0017'],
  stale: ['it was made from generation 2, and 3 is current'],
  status: 'differs',
  ownNetE8: '1200000000',
  invoiceNetE8: '1234567800',
  diffE8: '34567800',
  ownVatE8: '259000000',
  invoiceVatE8: '259000000',
  toleranceE8: '1500000',
  requestedBy: 'anna@cli',
  createdAt: at,
  states: { open: 1 },
  findings: [finding],
};

export function exampleReconciliation(called: Called) {
  return {
    async loadInvoice(request) {
      const loaded = {
        ...place,
        invoice: '2026-0017',
        kind: 'invoice' as const,
        cycle: '2026-03-01',
        version: 1,
        lines: 1,
      };
      return called('loadInvoice', request, { ...loaded, net: '12.35', stored: true });
    },
    invoices: async (query) => called('invoices', query, [invoice]),
    invoice: async (query) =>
      called('invoice', query, [
        { ...invoice, lines: [line], vat: [{ code: '21', rateE2: 2_100, netE8: '1234567800', vatE8: '259000000' }] },
      ]),
    runReconciliation: async (request) => called('runReconciliation', request, [{ ...reconciliation, stale: [] }]),
    reconciliations: async (which) =>
      called('reconciliations', which, [{ ...reconciliation, findings: which.findings ? [finding] : [] }]),
    decideFinding: async (request) =>
      called('decideFinding', request, { id: request.id, state: request.state, before: 'open' as const, ...place }),
    async dispute(request) {
      const disputed = { ...finding, state: 'disputed' as const, stateBy: request.by, stateWhy: request.why };
      return called('dispute', request, { newly: 1, reconciliations: [{ ...reconciliation, findings: [disputed] }] });
    },
  } satisfies Partial<AdminServices>;
}
