/**
 * The log: JSON lines by pino, one per event, each with level, time (ISO), message and what `mixin` adds (trace_id).
 *
 * Every message, field and error passes the masks of `mask.ts`, in children's bindings too, so that no full phone number
 * and no secret is ever written. A destination that fails is the destination's matter: logging never throws into the caller.
 */
import { type DestinationStream, destination as fileDestination, type Logger, pino } from 'pino';
import { maskText, maskValue } from './mask.ts';

export type Log = Logger;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LogOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Where lines go: a stream, or a file path. Default: standard output, written at once. */
  readonly destination?: DestinationStream | string;
  /** Fields for every line, read when it is written; the process passes the trace context here. */
  readonly mixin?: () => Record<string, unknown>;
  /** Fields of every line that never change, such as the node's id. */
  readonly base?: Record<string, unknown>;
}

export function createLog(options: LogOptions = {}): Log {
  const { level = 'info', destination, mixin, base = {} } = options;
  const masked = (fields: Record<string, unknown>) => maskValue(fields) as Record<string, unknown>;
  const log = pino(
    {
      level,
      base: masked(base),
      messageKey: 'message',
      errorKey: 'error',
      timestamp: pino.stdTimeFunctions.isoTime,
      ...(mixin ? { mixin: () => masked(mixin()) } : {}),
      // `masked` has made plain data of it, which pino would call an Object
      serializers: { error: (plain: unknown) => plain, err: (plain: unknown) => plain },
      formatters: { level: (label) => ({ level: label }), log: masked },
      hooks: {
        logMethod(args, method) {
          const safe = args.map((arg: unknown) => (typeof arg === 'string' ? maskText(arg) : arg));
          // pino would take the message from the error as it is
          if (safe[0] instanceof Error) {
            const message = typeof safe[1] === 'string' ? safe.splice(1, 1)[0] : maskText(safe[0].message);
            safe.splice(0, 1, { error: safe[0] }, message);
          }
          method.apply(this, safe as typeof args);
        },
      },
    },
    typeof destination === 'object' ? destination : fileDestination({ dest: destination ?? 1, sync: true }),
  );
  // pino gives a child's bindings to no formatter of ours; children inherit this method
  const child = log.child;
  log.child = function maskedChild(this: Logger, bindings: Record<string, unknown>, childOptions?: object) {
    return child.call(this, masked(bindings), childOptions);
  } as typeof log.child;
  return log;
}
