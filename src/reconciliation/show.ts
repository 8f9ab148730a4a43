/** Reconciliations as the doors show them, with what makes them stale. Numbers in the clear: the doors mask them. */
import type { ReadSession } from '../database/session.ts';
import type { Evidence, FindingClass, FindingState } from './finding.ts';

export interface ReconciliationView {
  readonly id: string;
  readonly customer: string;
  readonly account: string;
  readonly cycleStart: string;
  readonly generation: number;
  /** Of the recurring fees, when they are charged in advance. */
  readonly feesCycleStart: string;
  readonly feesGeneration: number | null;
  readonly invoices: readonly string[];
  /** Why it does not hold any more; empty while it does. */
  readonly stale: readonly string[];
  readonly status: 'agrees' | 'differs';
  readonly ownNetE8: string;
  readonly invoiceNetE8: string;
  readonly diffE8: string;
  readonly ownVatE8: string;
  readonly invoiceVatE8: string;
  readonly toleranceE8: string;
  readonly requestedBy: string;
  readonly createdAt: string;
  /** Findings by state, whatever was asked for. */
  readonly states: Readonly<Partial<Record<FindingState, number>>>;
  readonly findings: readonly FindingView[];
}

export interface FindingView {
  readonly id: string;
  readonly basis: 'net' | 'vat';
  readonly class: FindingClass;
  readonly msisdn: string | null;
  readonly category: string | null;
  readonly ownE8: string;
  readonly providerE8: string;
  readonly diffE8: string;
  readonly evidence: Evidence;
  readonly state: FindingState;
  readonly stateBy: string | null;
  readonly stateWhy: string | null;
  readonly stateAt: string;
}

export interface WhichReconciliations {
  readonly customer: string;
  readonly account?: string;
  readonly cycle?: string;
  /** Only findings in this state; without findings, only reconciliations that have one. */
  readonly state?: FindingState;
  /** With their findings. */
  readonly findings: boolean;
}

const utc = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

const current = `
  select r.id, c.code as customer, k.account_no as account, to_char(r.cycle_start, 'YYYY-MM-DD') as "cycleStart", r.generation,
    to_char(r.fees_cycle_start, 'YYYY-MM-DD') as "feesCycleStart", r.fees_generation as "feesGeneration", r.status,
    (select jsonb_agg(i.number order by i.invoice_date, i.number) from reconciliation_invoice m join invoice i on i.id = m.invoice_id
      where m.recon_id = r.id) as invoices,
    g.generation as "generationNow", f.generation as "feesGenerationNow",
    (select coalesce(jsonb_agg(i.number order by i.number), '[]') from invoice i
      where i.contract_id = r.contract_id and i.cycle_start = r.cycle_start and i.state = 'current'
        and not exists (select from reconciliation_invoice m where m.recon_id = r.id and m.invoice_id = i.id)) as "newInvoices",
    (select coalesce(jsonb_agg(i.number order by i.number), '[]') from reconciliation_invoice m join invoice i on i.id = m.invoice_id
      where m.recon_id = r.id and not exists (select from invoice n where n.contract_id = r.contract_id and n.number = i.number
        and n.cycle_start = r.cycle_start and n.state = 'current')) as "goneInvoices",
    r.own_net_e8 as "ownNetE8", r.invoice_net_e8 as "invoiceNetE8", r.invoice_net_e8 - r.own_net_e8 as "diffE8",
    r.own_vat_e8 as "ownVatE8", r.invoice_vat_e8 as "invoiceVatE8", r.tolerance_e8 as "toleranceE8",
    r.requested_by as "requestedBy", ${utc('r.created_at')} as "createdAt",
    (select coalesce(jsonb_object_agg(s.state, s.count), '{}') from (
      select state, count(*) from recon_finding where recon_id = r.id group by state) s) as states
  from reconciliation r join contract k on k.id = r.contract_id join customer c on c.id = k.customer_id
  left join total_generation g on g.contract_id = r.contract_id and g.cycle_start = r.cycle_start and g.state = 'current'
  left join total_generation f on f.contract_id = r.contract_id and f.cycle_start = r.fees_cycle_start and f.state = 'current'
  where c.code = $1 and r.state = 'current' and ($2::text is null or k.account_no = $2) and ($3::date is null or r.cycle_start = $3)
  order by r.cycle_start, k.account_no`;

/** The largest first. */
const findingsOf = `
  select id, basis, class, msisdn, category, own_e8 as "ownE8", provider_e8 as "providerE8", diff_e8 as "diffE8", evidence, state,
    state_by as "stateBy", state_why as "stateWhy", ${utc('state_at')} as "stateAt"
  from recon_finding where recon_id = $1 and ($2::text is null or state = $2) order by basis, abs(diff_e8) desc, id`;

type Row = Omit<ReconciliationView, 'stale' | 'findings'> & {
  readonly generationNow: number | null;
  readonly feesGenerationNow: number | null;
  readonly newInvoices: readonly string[];
  /** Replaced by one of another cycle. */
  readonly goneInvoices: readonly string[];
};

/** The current reconciliation of every cycle that is asked for, the oldest cycle first. */
export async function currentReconciliations(
  session: Pick<ReadSession, 'query'>,
  which: WhichReconciliations,
): Promise<ReconciliationView[]> {
  const values = [which.customer, which.account?.padStart(10, '0') ?? null, which.cycle ?? null];
  const rows = await session.query<Row>(current, values);
  const views: ReconciliationView[] = [];
  for (const row of rows) {
    if (!which.findings && which.state !== undefined && !row.states[which.state]) continue;
    const { generationNow, feesGenerationNow, newInvoices, goneInvoices, ...view } = row;
    const asked = [row.id, which.state ?? null];
    const findings = which.findings ? await session.query<FindingView>(findingsOf, asked) : [];
    views.push({ ...view, stale: staleBecause(row), findings });
  }
  return views;
}

/** A replaced invoice has a newer version, which is not part of it either. */
function staleBecause(row: Row): string[] {
  const { generation, generationNow, feesCycleStart, feesGeneration, feesGenerationNow, cycleStart } = row;
  const { newInvoices, goneInvoices } = row;
  return [
    ...(generationNow === generation
      ? []
      : [`it was made from generation ${generation}, and ${generationNow ?? 'none'} is current`]),
    ...(feesCycleStart === cycleStart || feesGenerationNow === feesGeneration
      ? []
      : [
          `the fees of ${feesCycleStart} were generation ${feesGeneration ?? 'none'}, and ${feesGenerationNow ?? 'none'} is current`,
        ]),
    ...newInvoices.map((number) => `invoice ${number} was loaded since`),
    ...goneInvoices.map((number) => `invoice ${number} was replaced by one of another cycle`),
  ];
}
