/** Every error as `{ error: { code, message } }` with its HTTP status. Numbers and secrets in messages are masked. */
import { isConnectionError, PoolBusyError } from '../database/session.ts';
import { maskText } from '../log/mask.ts';
import { InvalidRequestError } from './input.ts';
import { ServiceError } from './service-error.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly body: { readonly error: { readonly code: string; readonly message: string } };
  /** Nobody foresaw it: it belongs into the log. */
  readonly unforeseen: boolean;
}

/** Thrown by parts that know nothing of doors, so they are known here by name. */
const documentErrors = new Set(['InputError', 'InvalidDocumentError']);

/** What is there does not let it happen; the message says what does. */
const conflicts = new Set(['ClosedCycleError', 'TotalsMismatchError']);

export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof ServiceError) return answer(error.status, error.code, error.message);
  if (error instanceof InvalidRequestError) return answer(400, 'invalid-input', error.message);
  if (isConnectionError(error)) {
    return answer(
      503,
      'database-away',
      'the database is away; the service goes on when it is back. See: linekeeper health',
    );
  }
  if (error instanceof PoolBusyError) {
    return answer(503, 'unavailable', 'every session of the database is busy; try again in a moment');
  }
  if (!(error instanceof Error)) return unforeseen();
  if (documentErrors.has(error.name)) return answer(400, 'invalid-input', error.message);
  const { statusCode } = error as { statusCode?: unknown };
  if (conflicts.has(error.name)) return answer(409, 'conflict', error.message);
  // Fastify's own refusals: a body that is no JSON, too large, and the like
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return answer(statusCode, 'bad-request', error.message);
  }
  return unforeseen();
}

function answer(status: number, code: string, message: string): ErrorAnswer {
  return { status, body: { error: { code, message: maskText(message) } }, unforeseen: false };
}

function unforeseen(): ErrorAnswer {
  const message = 'the service met something unforeseen; its log has the details';
  return { status: 500, body: { error: { code: 'internal', message } }, unforeseen: true };
}
