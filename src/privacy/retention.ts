/** How long what belongs to a customer is kept (domain.md 4.7): the defaults, and how SQL asks for a customer's own. */
import { z } from 'zod';
import { closedObject } from '../telecom/document-problem.ts';

export interface CustomerRetention {
  /** Bytes of raw files, after the cycle that they belong to was closed. */
  readonly rawFileDays: number;
  /** Records and their prices, after the end of their cycle. */
  readonly recordMonths: number;
  readonly quarantineDays: number;
  /** Totals, invoices and reconciliations, after the end of their cycle. */
  readonly totalYears: number;
}

export const defaultRetention: CustomerRetention = {
  rawFileDays: 90,
  recordMonths: 13,
  quarantineDays: 30,
  totalYears: 7,
};

/** As the customers document tells it. */
export const retentionSchema = closedObject({
  rawFileDays: z.int().min(1).max(3_660).optional(),
  recordMonths: z.int().min(1).max(120).optional(),
  quarantineDays: z.int().min(1).max(3_660).optional(),
  totalYears: z.int().min(1).max(30).optional(),
}).refine(
  ({ recordMonths = defaultRetention.recordMonths, totalYears = defaultRetention.totalYears }) =>
    recordMonths <= totalYears * 12,
  { message: 'must be at least as long as recordMonths', path: ['totalYears'] },
);

/** SQL: the customer's own period, else the default; the table `customer` must be there as `c`. */
export function kept(key: keyof CustomerRetention): string {
  return `coalesce((c.retention ->> '${key}')::integer, ${defaultRetention[key]})`;
}
