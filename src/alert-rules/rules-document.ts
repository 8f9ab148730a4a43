/**
 * The document that tells alert rules: all of it, or nothing. It replaces every rule that a document told before; the defaults
 * stay beneath it. Open cycles are looked at again with the new rules.
 */
import { z } from 'zod';
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { closedObject, InvalidDocumentError, problemAt, schemaProblems } from '../telecom/document-problem.ts';
import { contractScope } from './rule-rows.ts';
import { alwaysOn, type RuleType, ruleParams, ruleTypes } from './rule-types.ts';

const scope = z
  .string()
  .regex(
    /^(all|customer:[^/\s]+|contract:[^/\s]+\/[^/\s]+\/[0-9]{1,10})$/,
    'must be all, customer:CODE or contract:CODE/PROVIDER/ACCOUNT',
  );

const rulesDocument = closedObject({
  rules: z.array(
    closedObject({
      type: z.enum(ruleTypes, `must be one of ${ruleTypes.join(', ')}`),
      scope: scope.default('all'),
      enabled: z.boolean().default(true),
      params: z.record(z.string(), z.unknown()).default({}),
    }),
    'must be a list of rules',
  ),
});

export interface AppliedRules {
  readonly rules: number;
  readonly removed: number;
  /** Cycles that are looked at again. */
  readonly cycles: number;
}

/** Throws `InvalidDocumentError` with every problem, `InputError` when a scope names nobody. */
export async function applyRules(tx: Tx, document: unknown): Promise<AppliedRules> {
  const problems = schemaProblems(document, rulesDocument);
  if (problems.length > 0) throw new InvalidDocumentError('the rules document', problems);
  const rules = rulesDocument.parse(document).rules.map((rule) => ({ ...rule, scope: filledScope(rule.scope) }));
  const wrong = rules.flatMap((rule, at) => problemsOf(document, rule, at, rules.slice(0, at)));
  if (wrong.length > 0) throw new InvalidDocumentError('the rules document', wrong);
  await refuseUnknownScopes(tx, new Set(rules.map((rule) => rule.scope)));
  const rows = JSON.stringify(rules);
  const removed = await tx.query(removeOthers, [rows]);
  await tx.query(store, [rows]);
  const cycles = await tx.query(lookAgain);
  return { rules: rules.length, removed: removed.length, cycles: cycles.length };
}

interface Rule {
  readonly type: RuleType;
  readonly scope: string;
  readonly enabled: boolean;
  readonly params: Readonly<Record<string, unknown>>;
}

function problemsOf(document: unknown, rule: Rule, at: number, before: readonly Rule[]) {
  const path = ['rules', at];
  const params = schemaProblems(rule.params, ruleParams[rule.type]).map((problem) => ({
    ...problem,
    path: `rules[${at}].params${problem.path === '' ? '' : `.${problem.path}`}`,
  }));
  if (alwaysOn.has(rule.type) && !rule.enabled) {
    params.push(problemAt(document, [...path, 'enabled'], `${rule.type} cannot be switched off: it holds back files`));
  }
  if (before.some((other) => other.type === rule.type && other.scope === rule.scope)) {
    params.push(problemAt(document, path, `another rule of type ${rule.type} has the scope ${rule.scope}`));
  }
  return params;
}

/** Accounts are stored with their leading zeros. */
function filledScope(text: string): string {
  const [kind, ...names] = text.split(/[:/]/);
  if (kind !== 'contract') return text;
  return contractScope(names[0]!, { provider: names[1]!, account: names[2]!.padStart(10, '0') });
}

const knownScopes = `
  select 'customer:' || code as scope from customer
  union all select 'contract:' || c.code || '/' || k.provider || '/' || k.account_no from contract k join customer c on c.id = k.customer_id`;

async function refuseUnknownScopes(tx: Tx, scopes: ReadonlySet<string>): Promise<void> {
  const known = new Set(['all', ...(await tx.query<{ scope: string }>(knownScopes)).map((row) => row.scope)]);
  const unknown = [...scopes].filter((one) => !known.has(one));
  if (unknown.length === 0) return;
  throw new InputError(
    `the rules document names what no customers document does: ${unknown.slice(0, 10).join(', ')}; apply it first: linekeeper customer apply FILE`,
  );
}

const told = `jsonb_to_recordset($1::jsonb) as t (scope text, type text, enabled boolean, params jsonb)`;
const removeOthers = `
  delete from alert_rule r where r.scope <> 'default' and not exists (select from ${told} where t.scope = r.scope and t.type = r.type)
  returning 1`;
const store = `
  insert into alert_rule (scope, type, enabled, params) select scope, type, enabled, params from ${told}
  on conflict (scope, type) do update set enabled = excluded.enabled, params = excluded.params`;
const lookAgain = `
  insert into alert_due (contract_id, cycle_start)
  select g.contract_id, g.cycle_start from total_generation g join cycle y using (contract_id, cycle_start)
  where g.state = 'current' and y.state in ('open', 'grace') returning 1`;
