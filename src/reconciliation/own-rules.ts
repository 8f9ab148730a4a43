/** By which of our rules a total was priced, for a difference of price: rule, tariff version, and the rule's own prices. */
import type { ReadSession } from '../database/session.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { withLinearJoins } from '../totals/linear-joins.ts';
import type { FoundDifference } from './finding.ts';
import type { CycleToReconcile } from './read-compared.ts';

export interface OwnRule {
  readonly msisdn: string;
  readonly category: string;
  /** Null: no rule priced these records. */
  readonly rule: string | null;
  /** `validFrom` of its tariff version. */
  readonly version: string | null;
  readonly records: string;
  readonly amountE8: string;
  /** The rule as the tariff document has it; null for a rule of the fallback. */
  readonly document: {
    readonly connectFee?: string;
    readonly steps?: readonly { from: number; price: string; per: number }[];
  } | null;
}

const rulesOfTotals = `
  with wanted as (select * from unnest($4::text[], $5::text[]) as w (msisdn, category)), priced as (
    select d.msisdn, d.category, r.rule, r.tariff_version_id, count(*) as records, sum(r.amount_e8)::bigint as amount_e8
    from rated_cdr r
    join cdr d on d.contract_id = r.contract_id and d.cycle_start = r.cycle_start and d.id = r.cdr_id
    join wanted w on w.msisdn = d.msisdn and w.category = d.category
    where r.contract_id = $1 and r.cycle_start = $2::date and r.rating_run_id = (
      select rating_run_id from total_generation where contract_id = $1 and cycle_start = $2::date and generation = $3)
    group by d.msisdn, d.category, r.rule, r.tariff_version_id
  )
  select p.msisdn, p.category, p.rule, v.document ->> 'validFrom' as version, p.records, p.amount_e8 as "amountE8",
    (select e from jsonb_array_elements(v.document -> 'rules') e where e ->> 'id' = p.rule limit 1) as document
  from priced p left join tariff_version v on v.id = p.tariff_version_id
  order by p.msisdn, p.category, p.records desc, p.rule`;

/** The findings, those about prices with `ownRules` in their evidence: of fees those of the fees' cycle. */
export async function withOwnRules(
  session: Pick<ReadSession, 'query'>,
  cycle: CycleToReconcile,
  findings: readonly FoundDifference[],
): Promise<FoundDifference[]> {
  const about = findings.filter((found) => found.class === 'rate_difference' || found.class === 'allowance_difference');
  const { cycleStart, generation, feesCycleStart, feesGeneration } = cycle;
  const isFee = ({ category }: FoundDifference) => category === 'recurring';
  const rows: OwnRule[] = [];
  for (const [start, of, which] of [
    [cycleStart, generation, about.filter((found) => !isFee(found))],
    [feesCycleStart, feesGeneration, about.filter(isFee)],
  ] as const) {
    if (which.length === 0) continue;
    const names = [which.map((found) => found.msisdn), which.map((found) => found.category)];
    const key = [cycle.contractId, start, of, ...names];
    rows.push(...(await withLinearJoins(session, () => session.query<OwnRule>(rulesOfTotals, key))));
  }
  const rules = Map.groupBy(rows, ({ msisdn, category }) => `${msisdn} ${category}`);
  return findings.map((found) => {
    if (!about.includes(found)) return found;
    const ownRules = (rules.get(`${found.msisdn} ${found.category}`) ?? []).map(ruleText);
    return { ...found, evidence: { ...found.evidence, ownRules } };
  });
}

/** `nl-mobile-peak (version of 2026-01-01T00:00:00): 0.05 a call, 0.12 per 60 from 0; 12 records, 3.2500` */
export function ruleText({ rule, version, records, amountE8, document }: OwnRule): string {
  if (rule === null) return `no rule: ${records} records, ${formatAmountE8(BigInt(amountE8))}`;
  const fee = document?.connectFee === undefined ? [] : [`${document.connectFee} a call`];
  const steps = (document?.steps ?? []).map(({ from, price, per }) => `${price} per ${per} from ${from}`);
  const prices = [...fee, ...steps].join(', ');
  const of = version === null ? '' : ` (version of ${version})`;
  return `${rule}${of}${prices === '' ? '' : `: ${prices}`}; ${records} records, ${formatAmountE8(BigInt(amountE8))}`;
}
