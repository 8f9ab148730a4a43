/**
 * POST /invoices, GET /invoices and /invoices/NUMBER; POST /reconciliations, GET /reconciliations, POST
 * /reconciliations/dispute and /findings/ID. Numbers of subscriptions are masked, unless the caller asks for them
 * (`numbers=true`); a dispute always has them, since the provider must know which are meant.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { maskNumber, maskText } from '../log/mask.ts';
import { account, cycle, flag, id, limit, name, parseInput, reason as why } from './input.ts';
import { askedBy, recorded } from './recorded.ts';
import type { AdminServices } from './services.ts';
import type { FindingView, InvoiceLineView, ReconciliationView } from './views.ts';

const number = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, 'must be 1 to 63 of A-Z a-z 0-9 . _ / -');
const state = z.enum(['open', 'accepted', 'disputed', 'resolved'], 'must be open, accepted, disputed or resolved');

const loadInput = z
  .strictObject({
    document: z.record(z.string(), z.unknown(), 'must be a JSON object').optional(),
    csv: z.string().optional(),
    replace: z.boolean().default(false),
    force: z.boolean().default(false),
  })
  .refine(
    (input) => (input.document === undefined) !== (input.csv === undefined),
    'either document or csv must be given',
  );
const listQuery = z.strictObject({ customer: name, account: account.optional(), limit: limit.default(100) });
const showQuery = z.strictObject({ customer: name, account: account.optional(), numbers: flag.default(false) });
const runInput = z
  .strictObject({ customer: name, account: account.optional(), cycle: cycle.optional(), invoice: number.optional() })
  .refine(
    (input) => (input.cycle === undefined) !== (input.invoice === undefined),
    'either cycle or invoice must be given',
  );
const reconciliationsQuery = z.strictObject({
  customer: name,
  account: account.optional(),
  cycle: cycle.optional(),
  state: state.optional(),
  numbers: flag.default(false),
});
const disputeInput = z.strictObject({ customer: name, account: account.optional(), cycle, why });
const decideInput = z.strictObject({ state, why });

export function reconciliationRoutes(server: FastifyInstance, services: AdminServices): void {
  server.post('/invoices', async (request) => {
    const { document, csv, replace, force } = parseInput(loadInput, request.body);
    const by = askedBy(request);
    const of = typeof document?.number === 'string' ? document.number.slice(0, 63) : '(of a CSV)';
    const entry = { actor: by, action: 'invoice.load', subject: `invoice ${of}`, detail: { replace, force } };
    const load = { document: csv ?? document, csv: csv !== undefined, replace, force, by };
    return recorded(services, entry, () => services.loadInvoice(load));
  });

  server.get('/invoices', async (request) => services.invoices(given(parseInput(listQuery, request.query))));

  server.get('/invoices/:number', async (request) => {
    const { number: asked } = parseInput(z.strictObject({ number }), request.params);
    const { numbers, ...query } = parseInput(showQuery, request.query);
    const found = await services.invoice(given({ ...query, number: asked }));
    if (numbers) return found;
    const shown = (line: InvoiceLineView) => ({ ...masked(line), description: maskText(line.description) });
    return found.map((invoice) => ({ ...invoice, lines: invoice.lines.map(shown) }));
  });

  server.post('/reconciliations', async (request) => {
    const input = given(parseInput(runInput, request.body));
    const by = askedBy(request);
    const subject = `customer ${input.customer}`;
    const entry = {
      actor: by,
      action: 'reconciliation.run',
      subject,
      detail: { cycle: input.cycle, invoice: input.invoice },
    };
    const made = await recorded(services, entry, () => services.runReconciliation({ ...input, by }));
    return made.map((view) => maskedView(view, false));
  });

  server.get('/reconciliations', async (request) => {
    const { numbers, ...query } = given(parseInput(reconciliationsQuery, request.query));
    const views = await services.reconciliations({ ...query, findings: query.cycle !== undefined });
    return views.map((view) => maskedView(view, numbers));
  });

  server.post('/reconciliations/dispute', async (request) => {
    const input = given(parseInput(disputeInput, request.body));
    const by = askedBy(request);
    const subject = `customer ${input.customer}`;
    const entry = {
      actor: by,
      action: 'reconciliation.dispute',
      subject,
      detail: { cycle: input.cycle, why: input.why },
    };
    return recorded(services, entry, () => services.dispute({ ...input, by }));
  });

  server.post('/findings/:id', async (request) => {
    const { id: asked } = parseInput(z.strictObject({ id }), request.params);
    const input = parseInput(decideInput, request.body);
    const by = askedBy(request);
    const entry = {
      actor: by,
      action: `finding.${input.state}`,
      subject: `finding ${asked}`,
      detail: { why: input.why },
    };
    return recorded(services, entry, () => services.decideFinding({ ...input, id: asked, by }));
  });
}

type Given<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/** Without the keys that were left out. */
function given<T extends object>(input: T): Given<T> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Given<T>;
}

function masked<T extends { readonly msisdn: string | null }>(row: T): T {
  return row.msisdn === null ? row : { ...row, msisdn: maskNumber(row.msisdn) };
}

/** A provider writes numbers into its descriptions, too. */
function maskedView(view: ReconciliationView, numbers: boolean): ReconciliationView {
  if (numbers) return view;
  const shown = (finding: FindingView) => {
    const { description } = finding.evidence;
    const words = typeof description === 'string' ? { description: maskText(description) } : {};
    return { ...masked(finding), evidence: { ...finding.evidence, ...words } };
  };
  return { ...view, findings: view.findings.map(shown) };
}
