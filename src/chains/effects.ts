/**
 * Effects outside the database (engine.md, "Token and fence"). A step that declares `atMostOnce` writes its intent before
 * its handler begins. An attempt that finds the intent of an earlier one cannot know how far that came: it ends as
 * `unknown`, a dead letter with an alert, and is never repeated by itself. A handler that answers `rejected` says that
 * nothing has happened yet, which takes the intent back.
 */
import type { Database } from '../database/session.ts';
import type { Json } from './define.ts';
import type { AnyStep } from './registry.ts';
import type { Run } from './run.ts';

export type Intent =
  | 'written'
  /** An earlier attempt wrote it. */
  | 'found'
  /** The row is not this run's any more. */
  | 'lost';

/** Behind the chain's fence. Throws the database's errors. */
export async function writeIntent(engine: Pick<Database, 'query'>, bootId: string, run: Run): Promise<Intent> {
  const { chainId, step, token } = run.chain;
  const [row] = await engine.query<{ mine: boolean; written: boolean }>(write, [chainId, step, token, bootId]);
  if (!row!.mine) return 'lost';
  return row!.written ? 'written' : 'found';
}

/** The same at every attempt. */
export function ownEffectKey({ chain }: Run, step: AnyStep): string {
  return `${chain.chainId}:${step.name}`;
}

/** Null: the step's effects have none of their own. Throws an Error that names the step when its key function throws or answers nonsense. */
export function effectKeyOf(step: AnyStep, run: Run): string | null {
  const { chain } = run;
  if (step.effects.kind !== 'idempotent') return null;
  const key: unknown = step.effects.key(chain.input as Json);
  if (typeof key === 'string' && key !== '') return key;
  throw new Error(`effect key of step ${step.name} of chain ${chain.name} must be a text; it is ${typeof key}`);
}

/** Why a chain is a dead letter whose effect may have happened. */
export function unknownEffect(run: Run): string {
  const { chainId, step } = run.chain;
  return `it is not known whether step ${step} has had its effect: an earlier attempt began and did not end. Look at the other side; then replay chain ${chainId} from the step after it, or from ${step} to do it again`;
}

/** Also when it was written by this very token and the answer was lost: then nothing has begun. */
const write = `
  with mine as (
    select id from chain where id = $1 and owner = $4 and token = $3 for no key update
  ), written as (
    insert into effect_intent (chain_id, step, token) select id, $2, $3 from mine
    on conflict (chain_id, step) do update set at = now() where effect_intent.token = excluded.token
    returning chain_id
  )
  select exists (select from mine) as mine, exists (select from written) as written`;

/** $1 chain, $2 steps: what a person replays may happen again. */
export const forgetIntents = 'delete from effect_intent where chain_id = $1 and step = any ($2::text[])';
