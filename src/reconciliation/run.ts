/**
 * Reconciles a cycle: our current totals with all current invoices and credit notes of it, in the caller's transaction. The
 * result says which generation it was made from and replaces the one before, whose decisions are carried over. What was
 * replaced is kept `keptReplaced` times.
 */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { carriedOver, type DecidedDifference } from './carry-over.ts';
import type { FoundDifference, Reconciled } from './finding.ts';
import { withOwnRules } from './own-rules.ts';
import { type CycleToReconcile, readCompared } from './read-compared.ts';
import { reconcile } from './reconcile.ts';

export interface WhichCycles {
  readonly customer: string;
  /** Without one all contracts that have an invoice of the cycle. */
  readonly account?: string;
  readonly cycle?: string;
  /** The cycle of this invoice. */
  readonly invoice?: string;
}

export const keptReplaced = 5;

const cyclesWithInvoices = `
  select distinct i.contract_id as "contractId", c.code as customer, k.account_no as account, k.cycle_day as "cycleDay",
    to_char(i.cycle_start, 'YYYY-MM-DD') as "cycleStart", to_char(i.fees_cycle_start, 'YYYY-MM-DD') as "feesCycleStart",
    g.generation, f.generation as "feesGeneration",
    exists (select from cycle y where y.contract_id = i.contract_id and y.cycle_start = i.cycle_start and y.purge_begun_at is not null) as purged
  from invoice i join contract k on k.id = i.contract_id join customer c on c.id = k.customer_id
  left join total_generation g on g.contract_id = i.contract_id and g.cycle_start = i.cycle_start and g.state = 'current'
  left join total_generation f on f.contract_id = i.contract_id and f.cycle_start = i.fees_cycle_start and f.state = 'current'
  where c.code = $1 and i.state = 'current' and ($2::text is null or k.account_no = $2) and ($3::date is null or i.cycle_start = $3)
    and ($4::text is null or (i.contract_id, i.cycle_start) in (
      select n.contract_id, n.cycle_start from invoice n where n.number = $4 and n.state = 'current'))
  order by 3, 5`;

/** The cycles that are named. Throws `InputError` when there is none with an invoice, or one without totals. */
export async function cyclesToReconcile(tx: Tx, which: WhichCycles): Promise<CycleToReconcile[]> {
  const account = which.account?.padStart(10, '0') ?? null;
  const values = [which.customer, account, which.cycle ?? null, which.invoice ?? null];
  const found = await tx.query<CycleToReconcile & { purged: boolean }>(cyclesWithInvoices, values);
  const what = which.invoice === undefined ? `invoice of cycle ${which.cycle}` : `invoice ${which.invoice}`;
  if (found.length === 0) {
    const of = `customer ${which.customer}${account === null ? '' : `, account ${account}`}`;
    throw new InputError(
      `${of} has no ${what}; load it first: linekeeper invoice load FILE (what there is: linekeeper invoice list)`,
    );
  }
  const purged = found.find((cycle) => cycle.purged);
  if (purged) {
    throw new InputError(
      `the records of cycle ${purged.cycleStart} of account ${purged.account} were purged at the end of their retention: nothing is left to compare the invoice with; what was found before: linekeeper reconcile show`,
    );
  }
  const without = found.find((cycle) => cycle.generation === null);
  if (without === undefined) return found;
  throw new InputError(
    `account ${without.account} has no totals of cycle ${without.cycleStart} yet to compare the ${what} with; see: linekeeper totals show`,
  );
}

/** Resolves to the new reconciliation's id. One at a time for a cycle, and none while its totals are being swapped. */
export async function reconcileCycle(tx: Tx, cycle: CycleToReconcile, by: string): Promise<string> {
  const { compared, invoiceIds, creditNotes } = await readCompared(tx, cycle);
  const reconciled = reconcile(compared);
  const findings = await withOwnRules(tx, cycle, reconciled.findings);
  const before = await decidedBefore(tx, cycle);
  const notes = creditNotes.length === 0 ? '' : `credit note ${creditNotes.join(', ')}; `;
  const whyGone = `${notes}no difference with generation ${cycle.generation}`;
  const decided = carriedOver({ ...reconciled, findings }, before, whyGone);
  await tx.query(
    `update reconciliation set state = 'replaced' where contract_id = $1 and cycle_start = $2 and state = 'current'`,
    [cycle.contractId, cycle.cycleStart],
  );
  const id = await insertReconciliation(tx, cycle, { ...reconciled, lines: compared.lines.length, decided, by });
  await tx.query(`insert into reconciliation_invoice (recon_id, invoice_id) select $1, unnest($2::bigint[])`, [
    id,
    invoiceIds,
  ]);
  await insertFindings(tx, cycle, id, decided);
  await tx.query(dropOld, [cycle.contractId, cycle.cycleStart, keptReplaced]);
  return id;
}

/** A statement of its own before anything is read: what follows needs a snapshot taken after the lock was granted. */
export async function lockReconciliation(tx: Tx, customer: string): Promise<void> {
  await tx.query(
    `select 1 from cycle y join contract k on k.id = y.contract_id join customer c on c.id = k.customer_id
     where c.code = $1 and exists (select from invoice i where i.contract_id = y.contract_id and i.cycle_start = y.cycle_start)
     order by y.contract_id, y.cycle_start for no key update of y`,
    [customer],
  );
}

interface BeforeRow {
  readonly basis: 'net' | 'vat';
  readonly class: DecidedDifference['class'];
  readonly identity: string;
  readonly msisdn: string | null;
  readonly category: string | null;
  readonly ownE8: string;
  readonly providerE8: string;
  readonly evidence: DecidedDifference['evidence'];
  readonly state: DecidedDifference['state'];
  readonly by: string | null;
  readonly why: string | null;
  readonly at: Date;
}

const decisionsBefore = `
  select f.basis, f.class, f.identity, f.msisdn, f.category, f.own_e8 as "ownE8", f.provider_e8 as "providerE8", f.evidence,
    f.state, f.state_by as by, f.state_why as why, f.state_at as at
  from recon_finding f join reconciliation r on r.id = f.recon_id
  where r.contract_id = $1 and r.cycle_start = $2::date and r.state = 'current' order by f.id`;

async function decidedBefore(tx: Tx, cycle: CycleToReconcile): Promise<DecidedDifference[]> {
  const rows = await tx.query<BeforeRow>(decisionsBefore, [cycle.contractId, cycle.cycleStart]);
  return rows.map((row) => {
    const [ownE8, providerE8] = [BigInt(row.ownE8), BigInt(row.providerE8)];
    return { ...row, ownE8, providerE8, diffE8: providerE8 - ownE8 };
  });
}

const insert = `
  insert into reconciliation (contract_id, cycle_start, generation, fees_cycle_start, fees_generation, status, lines, own_net_e8,
    invoice_net_e8, own_vat_e8, invoice_vat_e8, tolerance_e8, requested_by)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning id`;

async function insertReconciliation(
  tx: Tx,
  cycle: CycleToReconcile,
  made: Reconciled & { lines: number; decided: readonly DecidedDifference[]; by: string },
): Promise<string> {
  const agrees = made.decided.every((one) => one.diffE8 === 0n || one.by === 'tolerance');
  const [row] = await tx.query<{ id: string }>(insert, [
    cycle.contractId,
    cycle.cycleStart,
    cycle.generation,
    cycle.feesCycleStart,
    cycle.feesGeneration,
    agrees ? 'agrees' : 'differs',
    made.lines,
    made.ownNetE8,
    made.invoiceNetE8,
    made.ownVatE8,
    made.invoiceVatE8,
    made.toleranceE8,
    made.by,
  ]);
  return row!.id;
}

const insertRows = `
  insert into recon_finding (recon_id, basis, class, identity, subscription_id, msisdn, category, own_e8, provider_e8, diff_e8,
    evidence, state, state_by, state_why, state_at)
  select $1, f.basis, f.class, f.identity, s.id, f.msisdn, f.category, f.own_e8, f.provider_e8, f.provider_e8 - f.own_e8,
    f.evidence, f.state, f.by, f.why, coalesce(f.at, now())
  from jsonb_to_recordset($3::jsonb) as f (at_place integer, basis text, class text, identity text, msisdn text, category text,
    own_e8 bigint, provider_e8 bigint, evidence jsonb, state text, by text, why text, at timestamptz)
  left join subscription s on s.contract_id = $2 and s.msisdn = f.msisdn
  order by f.at_place`;

async function insertFindings(
  tx: Tx,
  cycle: CycleToReconcile,
  id: string,
  findings: readonly (DecidedDifference & FoundDifference)[],
): Promise<void> {
  const rows = findings.map((one, place) => ({
    at_place: place,
    basis: one.basis,
    class: one.class,
    identity: one.identity,
    msisdn: one.msisdn,
    category: one.category,
    own_e8: String(one.ownE8),
    provider_e8: String(one.providerE8),
    evidence: one.evidence,
    state: one.state,
    by: one.by,
    why: one.why,
    at: one.at,
  }));
  await tx.query(insertRows, [id, cycle.contractId, JSON.stringify(rows)]);
}

/** Its findings go with it. */
const dropOld = `
  delete from reconciliation where id in (
    select id from reconciliation where contract_id = $1 and cycle_start = $2::date and state = 'replaced' order by id desc offset $3)`;
