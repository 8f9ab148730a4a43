/** Who asks, and the one way to do something that changes anything: record it, then do it. */
import type { FastifyRequest } from 'fastify';
import { maskValue } from '../log/mask.ts';
import type { AdminServices, AuditEntry } from './services.ts';

/** The name in `x-linekeeper-by`, reduced to letters, digits and `@ . _ -`; `socket` when none is given. */
export function askedBy(request: FastifyRequest): string {
  const given = request.headers['x-linekeeper-by'];
  const name = (typeof given === 'string' ? given : '').replace(/[^A-Za-z0-9@._-]/g, '').slice(0, 64);
  return name === '' ? 'socket' : name;
}

/** Runs `act` after the audit row is written; what cannot be recorded is not done. */
export async function recorded<T>(services: AdminServices, entry: AuditEntry, act: () => Promise<T>): Promise<T> {
  await services.record({ ...entry, detail: maskValue(entry.detail) as AuditEntry['detail'] });
  return act();
}
