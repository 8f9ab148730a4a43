/**
 * `totals explain`: from a total down to its records, and from each record to its file and line, its tariff version and
 * rule, and the pieces it was billed in. The pieces come from rating the record again, with the tariff of today or that of
 * its closed cycle; when that gives another amount than the stored one, the record says so.
 */
import type { ReadSession } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { maskNumber } from '../log/mask.ts';
import { classifyMasked } from '../telecom/classify.ts';
import type { Piece, RateableRecord, RecordKind } from '../telecom/record.ts';
import { isClosed } from './cycles.ts';
import { withLinearJoins } from './linear-joins.ts';
import { openRatingAgain, type RatingAgain } from './rating-again.ts';
import { type ReversedRecord, reversedRecords } from './reversed-records.ts';

export interface ExplainQuery {
  readonly customer: string;
  readonly cycle: string;
  readonly msisdn?: string;
  readonly category?: string;
  readonly limit: number;
}

export interface ExplainedRecord {
  readonly file: string;
  readonly line: number;
  readonly msisdn: string;
  readonly category: string;
  readonly localStart: string;
  /** Masked when it was imported. */
  readonly dialled: string | null;
  /** What kind of number that is, such as `mobile`, and its country; null when no digit of it is shown. */
  readonly number: { readonly kind: string; readonly country: string | null } | null;
  readonly usage: string;
  readonly unit: 's' | 'messages' | 'octets' | 'pieces';
  readonly status: string;
  readonly reason: string | null;
  readonly rule: string | null;
  readonly tariff: string;
  /** Its `validFrom`. */
  readonly tariffVersion: string | null;
  readonly connectFeeE8: string;
  readonly amountE8: string;
  /** The rule's minimum or cap took the place of what the pieces add up to. */
  readonly limit: 'minimum' | 'cap' | null;
  readonly finding: string | null;
  /** What it took from which allowance when the cycle was rated. */
  readonly allowances: readonly { readonly name: string; readonly used: number }[];
  readonly pieces: readonly Piece[];
  /** False when today's tariff rates the record to another amount than the stored one. */
  readonly reproduced: boolean;
  /** The closed cycle that it belongs to by its start; null when it lies in its own. */
  readonly adjusts: string | null;
  /** The record of a closed cycle whose price this one takes back. */
  readonly takesBack: ReversedRecord | null;
}

export interface Explanation {
  readonly customer: string;
  readonly account: string;
  readonly cycleStart: string;
  readonly generation: number;
  readonly digest: string;
  readonly ratingRun: string;
  readonly records: number;
  readonly amountE8: string;
  /** False for a restored backup: the prices of its records were dropped when it was replaced. */
  readonly pricesKept: boolean;
  /** When its records were removed at the end of their retention; the totals stay. Null: they are there. */
  readonly purgedAt: string | null;
  readonly shown: readonly ExplainedRecord[];
}

interface RecordRow {
  readonly id: string;
  readonly adjusts: string | null;
  readonly reversal: boolean;
  readonly file: string;
  readonly line: number;
  readonly msisdn: string;
  readonly kind: RecordKind;
  readonly category: string;
  readonly dialled: string | null;
  readonly prefix: string | null;
  readonly visited: string | null;
  readonly startMs: number;
  readonly localStart: string;
  readonly usageS: string;
  readonly usageOctets: string;
  readonly usageCount: string;
  readonly providerAmountE8: string;
  readonly status: string;
  readonly reason: string | null;
  readonly rule: string | null;
  readonly tariffVersion: string | null;
  readonly amountE8: string;
  readonly allowanceUsed: Readonly<Record<string, number>> | null;
  readonly finding: string | null;
}

const generation = `
  select k.id as "contractId", k.account_no as account, y.state,
    to_char(y.purge_begun_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "purgedAt", g.generation, encode(g.digest, 'hex') as digest,
    g.rating_run_id as "ratingRun", u.records, u.amount as "amountE8"
  from total_generation g join contract k on k.id = g.contract_id join customer c on c.id = k.customer_id
  left join cycle y on y.contract_id = g.contract_id and y.cycle_start = g.cycle_start
  cross join lateral (select coalesce(sum(records), 0)::float8 as records, coalesce(sum(amount_e8), 0)::bigint as amount
    from total_usage u where u.contract_id = g.contract_id and u.cycle_start = g.cycle_start and u.generation = g.generation
      and ($3::text is null or u.msisdn = $3) and ($4::text is null or u.category = $4)) u
  where c.code = $1 and g.cycle_start = $2::date and g.state = 'current' order by k.account_no`;

const records = `
  select d.id::text as id, to_char(d.adjusts_cycle, 'YYYY-MM-DD') as adjusts, d.reverses_cdr is not null as reversal, f.name as file, d.line_no as line, d.msisdn, d.kind, d.category, coalesce(d.b_masked, nullif(d.b_prefix, '') || '****') as dialled, d.b_prefix as prefix,
    d.visited, (extract(epoch from d.started_at) * 1000)::float8 as "startMs",
    to_char(d.local_start, 'YYYY-MM-DD"T"HH24:MI:SS') as "localStart", d.usage_s as "usageS",
    d.usage_octets as "usageOctets", d.usage_count as "usageCount", d.provider_amount_e8 as "providerAmountE8",
    r.status, r.reason, r.rule, (select v.document ->> 'validFrom' from tariff_version v where v.id = r.tariff_version_id) as "tariffVersion", r.amount_e8 as "amountE8",
    r.allowance_used as "allowanceUsed", r.finding
  from rated_cdr r
  join cdr d on d.contract_id = r.contract_id and d.cycle_start = r.cycle_start and d.id = r.cdr_id
  join raw_file f on f.id = d.raw_file_id
  where r.contract_id = $1 and r.cycle_start = $2::date and r.rating_run_id = $3
    and ($4::text is null or d.msisdn = $4) and ($5::text is null or d.category = $5)
  order by d.started_at, d.record_key limit $6`;

/** Throws `InputError` when the customer has no totals of that cycle. One explanation per contract. */
export async function explainTotals(session: ReadSession, query: ExplainQuery): Promise<Explanation[]> {
  const filter = [query.msisdn ?? null, query.category ?? null];
  const found = await session.query<
    Omit<Explanation, 'customer' | 'cycleStart' | 'pricesKept' | 'shown'> & { contractId: string; state: string | null }
  >(generation, [query.customer, query.cycle, ...filter]);
  if (found.length === 0) {
    throw new InputError(
      `customer ${query.customer} has no totals of cycle ${query.cycle}; see: linekeeper totals show`,
    );
  }
  if (found.every((total) => total.records === 0)) await refuseUnknownFilter(session, query);
  const explanations: Explanation[] = [];
  for (const { contractId, state, ...total } of found) {
    const which = [contractId, query.cycle, total.ratingRun, ...filter, query.limit];
    const rows = await withLinearJoins(session, () => session.query<RecordRow>(records, which));
    const adjusted = rows.flatMap(({ adjusts, reversal }) => (adjusts === null || reversal ? [] : [adjusts]));
    const cycle = { start: query.cycle, closed: state !== null && isClosed(state) };
    const again = await openRatingAgain(session, contractId, cycle, adjusted);
    const reversals = rows.flatMap(({ id, reversal }) => (reversal ? [id] : []));
    const reversed = await reversedRecords(session, contractId, query.cycle, reversals);
    const shown = rows.map((row) =>
      explainRecord(row, again.get(row.adjusts) ?? again.get(null)!, reversed.get(row.id) ?? null),
    );
    const pricesKept = rows.length > 0 || total.records === 0;
    explanations.push({ customer: query.customer, cycleStart: query.cycle, ...total, pricesKept, shown });
  }
  return explanations;
}

const sameCycle = `
  select distinct u.category from total_usage u join contract k on k.id = u.contract_id join customer c on c.id = k.customer_id
  join total_generation g on g.contract_id = u.contract_id and g.cycle_start = u.cycle_start and g.generation = u.generation
  where c.code = $1 and u.cycle_start = $2::date and g.state = 'current' and ($3::text is null or u.msisdn = $3) order by 1`;

/** A number or category of which this cycle has nothing is more often a typing error than a question. */
async function refuseUnknownFilter(session: ReadSession, { customer, cycle, msisdn, category }: ExplainQuery) {
  if (msisdn === undefined && category === undefined) return;
  const have = await session.query<{ category: string }>(sameCycle, [customer, cycle, msisdn ?? null]);
  const about = msisdn === undefined ? `customer ${customer}` : `subscription ${maskNumber(msisdn)} of ${customer}`;
  if (have.length === 0) throw new InputError(`${about} has no records in cycle ${cycle}`);
  const names = have.map((row) => row.category).join(', ');
  throw new InputError(`${about} has no records of category ${category} in cycle ${cycle}; it has: ${names}`);
}

function explainRecord(row: RecordRow, again: RatingAgain, takesBack: ReversedRecord | null): ExplainedRecord {
  const { usage, unit } = usageOf(row);
  // a reversal has the amount that it takes back and is never rated
  const rated = takesBack === null ? again.rate(rateable(row, Number(usage)), row) : null;
  return {
    file: row.file,
    line: row.line,
    msisdn: row.msisdn,
    category: row.category,
    localStart: row.localStart,
    dialled: row.dialled,
    number: row.dialled === null ? null : numberOf(row.dialled),
    usage,
    unit,
    status: row.status,
    reason: row.reason,
    rule: row.rule,
    tariff: again.tariff,
    tariffVersion: row.tariffVersion,
    connectFeeE8: String(rated?.connectFeeE8 ?? 0),
    amountE8: row.amountE8,
    limit: rated?.limit ?? null,
    finding: row.finding,
    allowances: rated?.allowances.map(({ allowance, used }) => ({ name: allowance.name, used })) ?? [],
    pieces: rated?.pieces.map((piece) => ({ ...piece })) ?? [],
    reproduced: rated === null || (String(rated.amountE8) === row.amountE8 && rated.status === row.status),
    adjusts: row.adjusts,
    takesBack,
  };
}

function rateable(row: RecordRow, usage: number): RateableRecord {
  return {
    kind: row.kind,
    category: row.category,
    prefix: row.prefix ?? '',
    visited: row.visited ?? '',
    startMs: row.startMs,
    usage,
    providerAmountE8: Number(row.providerAmountE8),
  };
}

function numberOf(dialled: string): ExplainedRecord['number'] {
  const { kind, country } = classifyMasked(dialled);
  return { kind, country };
}

function usageOf(row: RecordRow): { usage: string; unit: ExplainedRecord['unit'] } {
  switch (row.kind) {
    case 'voice':
      return { usage: row.usageS, unit: 's' };
    case 'data':
      return { usage: row.usageOctets, unit: 'octets' };
    case 'sms':
    case 'mms':
      return { usage: row.usageCount, unit: 'messages' };
    case 'recurring':
    case 'oneoff':
    case 'credit':
      return { usage: row.usageCount, unit: 'pieces' };
  }
}
