/**
 * `subscription erase`: everything that names one number of a customer goes, in one transaction, and cannot be brought back: the number
 * becomes a random pseudonym, the same in every table, that nothing leads back from. Amounts, usage and dates stay, so totals, invoices and
 * findings still add up; digests of the generations that held the number are computed anew, and both are in the `audit` row. Of
 * dialled numbers the digits stay that the price came from; what made them comparable goes.
 */
import { randomBytes } from 'node:crypto';
import type { ReadSession, Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { maskNumber } from '../log/mask.ts';
import { lockContract } from '../totals/cycles.ts';
import { digestOfRows } from '../totals/digest.ts';
import { eraseAlerts } from './erase-alerts.ts';

export interface Erased {
  readonly pseudonym: string;
  readonly subscriptions: number;
  readonly records: number;
  readonly totals: number;
  readonly generations: number;
  readonly invoiceLines: number;
  readonly findings: number;
  readonly quarantine: number;
  readonly alerts: number;
  /** Raw files whose bytes still hold the number, until their retention is over. */
  readonly files: number;
}

/** A cycle that is not closed and held the number: its records changed, and its totals are due. */
export interface TouchedCycle {
  readonly contractId: string;
  readonly cycleStart: string;
}

export interface Subject {
  readonly customerId: string;
  readonly contracts: readonly string[];
}

const contractsWithNumber = `
  select c.id as "customerId", array_agg(k.id::text order by k.id) filter (where
    exists (select from subscription s where s.contract_id = k.id and s.msisdn = $2)
    or exists (select from total_usage u where u.contract_id = k.id and u.msisdn = $2)
    or exists (select from invoice i join invoice_line l on l.invoice_id = i.id where i.contract_id = k.id and l.msisdn = $2)
    or exists (select from reseller_cdr d join reseller_delivery v on v.id = d.delivery_id join raw_file f on f.id = v.raw_file_id
      where f.contract_id = k.id and d.msisdn = $2)) as contracts
  from customer c left join contract k on k.customer_id = c.id where c.code = $1 group by c.id`;

/** The contracts of the customer that know the number. Throws `InputError` when none does. */
export async function findSubject(
  session: Pick<ReadSession, 'query'>,
  customer: string,
  msisdn: string,
): Promise<Subject> {
  const [found] = await session.query<{ customerId: string; contracts: string[] | null }>(contractsWithNumber, [
    customer,
    msisdn,
  ]);
  if (!found) throw new InputError(`no customer has the code ${customer}`);
  if (found.contracts === null) {
    throw new InputError(
      `customer ${customer} has nothing of subscription ${maskNumber(msisdn)}; see: linekeeper subscription list --numbers`,
    );
  }
  return { customerId: found.customerId, contracts: found.contracts };
}

const cyclesOf = `
  select contract_id as "contractId", to_char(cycle_start, 'YYYY-MM-DD') as "cycleStart" from cycle
  where contract_id = any($1::bigint[]) order by contract_id, cycle_start for update`;

const generationsWith = `
  select distinct u.contract_id as "contractId", to_char(u.cycle_start, 'YYYY-MM-DD') as "cycleStart", u.generation
  from total_usage u where u.contract_id = any($1::bigint[]) and u.msisdn = $2 order by 1, 2, 3`;

const filesWith = `
  select count(*)::int as files from raw_file f where f.purged_at is null and f.state <> 'duplicate' and f.id in (
    select d.raw_file_id from cdr d where d.contract_id = any($1::bigint[]) and d.msisdn = $2)`;

/** $1 contracts, $2 number, $3 pseudonym. */
const changes = {
  subscriptions: `
    update subscription set msisdn = $3, employee = null, icc_masked = null
    where contract_id = any($1::bigint[]) and msisdn = $2 returning 1`,
  records: `
    update cdr set msisdn = $3, b_hash = null, b_masked = null where contract_id = any($1::bigint[]) and msisdn = $2
    returning contract_id, cycle_start`,
  totals: 'update total_usage set msisdn = $3 where contract_id = any($1::bigint[]) and msisdn = $2 returning 1',
  allowances:
    'update allowance_usage set msisdn = $3 where contract_id = any($1::bigint[]) and msisdn = $2 returning 1',
  waiting: `
    update reseller_cdr d set msisdn = $3, b_hash = null, b_masked = null from reseller_delivery v left join raw_file f on f.id = v.raw_file_id
    where v.id = d.delivery_id and d.msisdn = $2 and (v.contract_id = any($1::bigint[]) or f.contract_id = any($1::bigint[])) returning 1`,
} as const;

/** Where people write it in their words. $4: its forms. */
const changedTexts = {
  invoiceLines: `
    update invoice_line l set msisdn = case when l.msisdn = $2 then $3 else l.msisdn end,
      description = regexp_replace(description, $4, $3, 'g') from invoice i
    where i.id = l.invoice_id and i.contract_id = any($1::bigint[]) and (l.msisdn = $2 or l.description ~ $4) returning 1`,
  findings: `
    update recon_finding f set msisdn = case when f.msisdn = $2 then $3 else f.msisdn end, identity = replace(identity, $2, $3),
      evidence = regexp_replace(evidence::text, $4, $3, 'g')::jsonb, state_why = regexp_replace(state_why, $4, $3, 'g')
    from reconciliation r where r.id = f.recon_id and r.contract_id = any($1::bigint[])
      and (f.msisdn = $2 or strpos(f.identity, $2) > 0 or f.evidence::text ~ $4 or f.state_why ~ $4) returning 1`,
} as const;

/** `31612345678`, `+31 6 12345678`, `06-12345678`: a regular expression of PostgreSQL. */
function writtenForms(msisdn: string): string {
  const digits = (text: string) => [...text].join('[ .-]?');
  const national = msisdn.startsWith('31') ? `|${digits(`0${msisdn.slice(2)}`)}` : '';
  return `(?<![0-9])(?:(?:[+]|00)?${digits(msisdn)}${national})(?![0-9])`;
}

/** Whoever rates the cycle at this moment finds that it changed, and rates it again without the number. None of what was never rated. */
const touchUnclosed = `
  update cycle y set revision = revision + 1 where y.contract_id = any($1::bigint[]) and y.state in ('open', 'grace') and exists (
    select from cdr d where d.contract_id = y.contract_id and d.cycle_start = y.cycle_start and d.msisdn = $2)
  returning y.contract_id as "contractId", to_char(y.cycle_start, 'YYYY-MM-DD') as "cycleStart", y.rating_run_id is not null as rated`;

/** The lines show numbers with their last digits masked: what begins like this one goes. */
const eraseQuarantine = `
  update quarantine q set raw_masked = null, message = 'erased'
  from raw_file f where f.id = q.raw_file_id and f.contract_id = any($1::bigint[])
    and exists (select from unnest($2::text[]) shown where strpos(coalesce(q.raw_masked, '') || ' ' || q.message, shown) > 0)
  returning 1`;

const computeDigest = `
  with computed as (select ${digestOfRows} as digest from total_usage u
    where u.contract_id = $1 and u.cycle_start = $2::date and u.generation = $3),
  before as (select encode(digest, 'hex') as digest from total_generation
    where contract_id = $1 and cycle_start = $2::date and generation = $3)
  update total_generation g set digest = decode(computed.digest, 'hex') from computed, before
  where g.contract_id = $1 and g.cycle_start = $2::date and g.generation = $3
  returning before.digest as before, computed.digest as after`;

const record = `insert into audit (actor, action, subject, detail) values ($1, 'subscription.erased', $2, $3)`;

export interface EraseRequest {
  readonly customer: string;
  readonly msisdn: string;
  readonly reason: string;
  readonly by: string;
}

/** Throws `InputError` when the customer has nothing of that number. */
export async function eraseSubscription(
  tx: Tx,
  { customer, msisdn, reason, by }: EraseRequest,
): Promise<{ erased: Erased; touched: readonly TouchedCycle[] }> {
  const { customerId, contracts } = await findSubject(tx, customer, msisdn);
  for (const id of contracts) await lockContract(tx, id);
  await tx.query(cyclesOf, [contracts]);
  const pseudonym = `erased-${randomBytes(6).toString('hex')}`;
  const [{ files }] = (await tx.query<{ files: number }>(filesWith, [contracts, msisdn])) as [{ files: number }];
  const generations = await tx.query<{ contractId: string; cycleStart: string; generation: number }>(generationsWith, [
    contracts,
    msisdn,
  ]);
  const subscriptions = await tx.query<{ id: string }>(
    'select id from subscription where contract_id = any($1::bigint[]) and msisdn = $2',
    [contracts, msisdn],
  );
  const touched = await tx.query<TouchedCycle & { rated: boolean }>(touchUnclosed, [contracts, msisdn]);
  const counts: Record<string, number> = {};
  for (const [what, statement] of Object.entries(changes)) {
    counts[what] = (await tx.query(statement, [contracts, msisdn, pseudonym])).length;
  }
  for (const [what, statement] of Object.entries(changedTexts)) {
    counts[what] = (await tx.query(statement, [contracts, msisdn, pseudonym, writtenForms(msisdn)])).length;
  }
  const digests = [];
  for (const { contractId, cycleStart, generation } of generations) {
    const [digest] = await tx.query<{ before: string; after: string }>(computeDigest, [
      contractId,
      cycleStart,
      generation,
    ]);
    digests.push({ contractId, cycleStart, generation, ...digest! });
  }
  const quarantine = (await tx.query(eraseQuarantine, [contracts, await beginnings(tx, customerId, msisdn)])).length;
  const alerts = await eraseAlerts(tx, {
    customer,
    customerId,
    msisdn,
    pseudonym,
    ids: subscriptions.map(({ id }) => id),
  });
  const erased = {
    pseudonym,
    subscriptions: counts.subscriptions!,
    records: counts.records! + counts.waiting!,
    totals: counts.totals!,
    generations: generations.length,
    invoiceLines: counts.invoiceLines!,
    findings: counts.findings!,
    quarantine,
    alerts,
    files,
  };
  await tx.query(record, [by, `customer ${customer}`, JSON.stringify({ reason, ...erased, digests })]);
  return { erased, touched: touched.filter(({ rated }) => rated) };
}

/** What masking leaves of the number, as E.164 and as it is dialled at home. */
async function beginnings(tx: Tx, customerId: string, msisdn: string): Promise<string[]> {
  const [row] = await tx.query<{ mask: number }>('select number_mask as mask from customer where id = $1', [
    customerId,
  ]);
  const shown = (number: string) => number.slice(0, number.length - Math.max(4, row!.mask));
  return [shown(msisdn), ...(msisdn.startsWith('31') ? [shown(`0${msisdn.slice(2)}`)] : [])];
}
