/** What keeps one record out while the rest of the file is imported. */
import type { FieldPlan } from './field-plan.ts';

export interface LineFault {
  readonly code: string;
  readonly field: FieldPlan | null;
  /** What is wrong with it, in words that follow the value. */
  readonly what: string;
}

export function fault(code: string, field: FieldPlan | null, what: string): LineFault {
  return { code, field, what };
}
