/**
 * `report usage`: what a customer used in a cycle, by its current totals, with VAT per code. Rows come from a cursor in one
 * read-only snapshot, a batch at a time, so that a report of any size takes the memory of one batch, and all its rows and sums are
 * those of the same generation. Amounts stay integers until they are written as decimal text.
 */
import type { ReadSession } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { maskNumber } from '../log/mask.ts';
import { rateOf, vatOf } from '../reconciliation/vat.ts';
import { withLinearJoins } from '../totals/linear-joins.ts';

export const groupings = ['line', 'subscription', 'cost-centre', 'category'] as const;
/** `line`: a row for each subscription and category. */
export type Grouping = (typeof groupings)[number];

export interface UsageReportQuery {
  readonly customer: string;
  readonly cycle: string;
  readonly by: Grouping;
  /** Show the numbers of subscriptions. */
  readonly numbers: boolean;
}

/** One row of the report; amounts are 1e-8 EUR as text. What a row does not tell is null. */
export interface UsageReportRow {
  readonly row: 'usage' | 'vat' | 'total';
  readonly provider: string;
  readonly account: string;
  readonly generation: number;
  readonly subscription: string | null;
  readonly costCentre: string | null;
  readonly employee: string | null;
  readonly category: string | null;
  readonly records: string | null;
  readonly unrated: string | null;
  readonly usageS: string | null;
  readonly usageOctets: string | null;
  readonly usageCount: string | null;
  readonly amountE8: string;
  readonly providerAmountE8: string | null;
  readonly vatCode: string | null;
  readonly vatPercent: number | null;
  readonly vatE8: string | null;
}

const publishedTotals = `
  select k.id as "contractId", k.provider, k.account_no as account, g.generation, g.rating_run_id as "ratingRunId"
  from total_generation g join contract k on k.id = g.contract_id join customer c on c.id = k.customer_id
  where c.code = $1 and g.cycle_start = $2::date and g.state = 'current' order by k.provider, k.account_no`;

interface PublishedTotals {
  readonly contractId: string;
  readonly provider: string;
  readonly account: string;
  readonly generation: number;
  readonly ratingRunId: string;
}

const keys: Record<Grouping, readonly string[]> = {
  line: ['u.msisdn', 's.cost_centre', 's.employee', 'u.category'],
  subscription: ['u.msisdn', 's.cost_centre', 's.employee'],
  'cost-centre': ['s.cost_centre'],
  category: ['u.category'],
};

function declareRows(by: Grouping): string {
  const shown = (key: string, name: string) => `${keys[by].includes(key) ? key : 'null::text'} as "${name}"`;
  const order = keys[by].map((key) => `${key} collate "C" nulls first`).join(', ');
  return `
    declare report no scroll cursor for
    select ${shown('u.msisdn', 'subscription')}, ${shown('s.cost_centre', 'costCentre')}, ${shown('s.employee', 'employee')},
      ${shown('u.category', 'category')}, sum(u.records)::bigint as records, sum(u.unrated)::bigint as unrated,
      sum(u.usage_s)::bigint as "usageS", sum(u.usage_octets)::bigint as "usageOctets", sum(u.usage_count)::bigint as "usageCount",
      sum(u.amount_e8)::bigint as "amountE8", sum(u.provider_amount_e8)::bigint as "providerAmountE8"
    from total_usage u left join subscription s on s.contract_id = u.contract_id and s.msisdn = u.msisdn
    where u.contract_id = $1 and u.cycle_start = $2::date and u.generation = $3
    group by ${keys[by].join(', ')} order by ${order}`;
}

const batch = 'fetch 1000 from report';

const netPerVatCode = `
  select d.vat_code as code, sum(r.amount_e8)::bigint as "netE8"
  from rated_cdr r join cdr d on d.contract_id = r.contract_id and d.cycle_start = r.cycle_start and d.id = r.cdr_id
  where r.contract_id = $1 and r.cycle_start = $2::date and r.rating_run_id = $3
  group by d.vat_code order by d.vat_code nulls last`;

/** Throws `InputError` when the customer has no totals of that cycle, before anything is taken. */
export async function writeUsageReport(
  session: ReadSession,
  query: UsageReportQuery,
  take: (rows: readonly UsageReportRow[]) => Promise<void>,
): Promise<void> {
  const published = await session.query<PublishedTotals>(publishedTotals, [query.customer, query.cycle]);
  if (published.length === 0) {
    throw new InputError(
      `customer ${query.customer} has no totals of cycle ${query.cycle}; see: linekeeper totals show --customer ${query.customer}`,
    );
  }
  for (const totals of published) await writeContract(session, query, totals, take);
}

type Sums = Pick<
  UsageReportRow,
  'records' | 'unrated' | 'usageS' | 'usageOctets' | 'usageCount' | 'amountE8' | 'providerAmountE8'
>;
const summed = [
  'records',
  'unrated',
  'usageS',
  'usageOctets',
  'usageCount',
  'amountE8',
  'providerAmountE8',
] as const satisfies readonly (keyof Sums)[];

async function writeContract(
  session: ReadSession,
  { cycle, by, numbers }: UsageReportQuery,
  { contractId, provider, account, generation, ratingRunId }: PublishedTotals,
  take: (rows: readonly UsageReportRow[]) => Promise<void>,
): Promise<void> {
  const of = { provider, account, generation };
  const totals = Object.fromEntries(summed.map((key) => [key, 0n])) as Record<keyof Sums, bigint>;
  // the plan is made here; totals that were published moments ago have no statistics
  await withLinearJoins(session, () => session.query(declareRows(by), [contractId, cycle, generation]));
  for (;;) {
    const rows = await session.query<typeof nothing & Sums>(batch);
    if (rows.length === 0) break;
    for (const row of rows) for (const key of summed) totals[key] += BigInt(row[key]!);
    await take(
      rows.map((row) => ({
        ...nothing,
        ...of,
        ...row,
        row: 'usage',
        subscription: row.subscription === null || numbers ? row.subscription : maskNumber(row.subscription),
      })),
    );
  }
  await session.query('close report');
  const vat = await vatRows(session, [contractId, cycle, ratingRunId], totals.amountE8);
  const known = vat.every((row) => row.vatE8 !== null);
  const vatSum = vat.reduce((sum, row) => sum + BigInt(row.vatE8 ?? 0), 0n);
  const sums = Object.fromEntries(summed.map((key) => [key, String(totals[key])])) as unknown as Sums;
  await take([
    ...vat.map((row): UsageReportRow => ({ ...nothing, ...of, ...row, row: 'vat' })),
    { ...nothing, ...of, ...sums, row: 'total', vatE8: known ? String(vatSum) : null },
  ]);
}

type VatCells = Pick<UsageReportRow, 'amountE8' | 'vatCode' | 'vatPercent' | 'vatE8'>;

/** Nets add up to the total, also when records are past their retention: what no code is known of is a row without one. */
async function vatRows(session: ReadSession, run: readonly unknown[], totalE8: bigint): Promise<VatCells[]> {
  const found = await withLinearJoins(session, () =>
    session.query<{ code: string | null; netE8: string }>(netPerVatCode, run),
  );
  const rest = totalE8 - found.reduce((sum, row) => sum + BigInt(row.netE8), 0n);
  const nets = rest === 0n ? found : [...found, { code: null, netE8: String(rest) }];
  return nets.map(({ code, netE8 }) => {
    const rateE2 = code === null ? null : rateOf({ code });
    const known = rateE2 === null ? null : { vatPercent: rateE2 / 100, vatE8: String(vatOf(BigInt(netE8), rateE2)) };
    return { amountE8: netE8, vatCode: code, vatPercent: null, vatE8: null, ...known };
  });
}

const nothing = {
  subscription: null,
  costCentre: null,
  employee: null,
  category: null,
  records: null,
  unrated: null,
  usageS: null,
  usageOctets: null,
  usageCount: null,
  providerAmountE8: null,
  vatCode: null,
  vatPercent: null,
  vatE8: null,
} satisfies Partial<UsageReportRow> as {
  readonly [Key in Exclude<keyof UsageReportRow, 'row' | 'provider' | 'account' | 'generation' | 'amountE8'>]:
    | UsageReportRow[Key]
    | null;
};
