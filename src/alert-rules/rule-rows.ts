/** The rows of `alert_rule`: every rule of every scope, and which of them decides for a contract. */
import type { ReadSession } from '../database/session.ts';
import { type RuleParams, type RuleType, ruleParams, ruleTypes } from './rule-types.ts';

export interface RuleRow {
  /** `default`, `all`, `customer:C001` or `contract:C001/KPN/0000000101`. */
  readonly scope: string;
  readonly type: RuleType;
  /** With the defaults of what the row leaves out. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly enabled: boolean;
}

/** The rules that hold for one contract or customer; a type that is switched off is missing. */
export type RuleSet = { readonly [Type in RuleType]?: RuleParams[Type] };

export interface Scoped {
  readonly customer: string;
  /** Null for what is about the customer as a whole. */
  readonly contract: { readonly provider: string; readonly account: string } | null;
}

const allRules = 'select scope, type, params, enabled from alert_rule order by type, scope';

/** Rows of a type that this release does not know, of a newer one that runs beside it, are left out. */
export async function readRules(session: Pick<ReadSession, 'query'>): Promise<RuleRow[]> {
  const rows = await session.query<{ scope: string; type: string; params: unknown; enabled: boolean }>(allRules);
  return rows
    .filter((row): row is typeof row & { type: RuleType } => row.type in ruleParams)
    .map(({ scope, type, params, enabled }) => ({ scope, type, params: ruleParams[type].parse(params), enabled }));
}

/** The narrowest rule of each type decides, also when it switches the type off. */
export function rulesFor(rows: readonly RuleRow[], { customer, contract }: Scoped): RuleSet {
  const narrowest = [
    ...(contract === null ? [] : [contractScope(customer, contract)]),
    `customer:${customer}`,
    'all',
    'default',
  ];
  const found: Record<string, unknown> = {};
  for (const type of ruleTypes) {
    const ofType = rows.filter((row) => row.type === type);
    const rule = narrowest.map((scope) => ofType.find((row) => row.scope === scope)).find((row) => row !== undefined);
    if (rule?.enabled) found[type] = rule.params;
  }
  return found as RuleSet;
}

export function contractScope(customer: string, { provider, account }: NonNullable<Scoped['contract']>): string {
  return `contract:${customer}/${provider}/${account}`;
}
