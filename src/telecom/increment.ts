/** Billing increments: a piece is billed in whole ones (domain.md section 1, step 4). Lengths in the record's unit. */
import type { CompiledStep } from './compiled-tariff.ts';

/** 60/60, 30/6, 1/1: the call's first piece has at least `first`, then whole `next`; a later piece only whole `next`. */
export function widen(length: number, isFirst: boolean, step: CompiledStep): number {
  if (!isFirst) return Math.ceil(length / step.next) * step.next;
  if (length <= step.first) return step.first;
  return step.first + Math.ceil((length - step.first) / step.next) * step.next;
}
