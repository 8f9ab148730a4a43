/** The plan for a run whose handler has returned: what is to be written, and where the chain goes from there. */
import { hasCallback } from './completion.ts';
import { crashed } from './decision.ts';
import type { Plan } from './planned.ts';
import type { AnyStep } from './registry.ts';
import type { Run } from './run.ts';
import { slotNeedOf } from './slots.ts';

type Draft = { -readonly [Key in keyof Plan]: Plan[Key] };

export function planOf(
  run: Run,
  decision: Plan['decision'],
  step: AnyStep | null,
  next: AnyStep | null,
  mayContinue: () => boolean,
): Draft {
  const nextStep = next?.name ?? null;
  const plan: Draft = { decision, step, nextStep, nextSlot: null, mayContinue, stretch: null, staysSuspect: false };
  if (decision.kind !== 'succeeded') return plan;
  try {
    plan.nextSlot = slotNeedOf(next, run.chain.name, run.chain.input);
  } catch (error) {
    plan.decision = crashed(error) as Plan['decision'];
  }
  return plan;
}

/** It succeeded and has nothing to commit but its own row; of a chain that has to do with others there is more to write. */
export function isPlain(run: Run, { decision, nextSlot }: Plan): boolean {
  return decision.kind === 'succeeded' && !hasCallback(decision) && nextSlot === null && run.chain.linked === null;
}
