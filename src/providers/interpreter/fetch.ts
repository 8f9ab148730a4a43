/**
 * `fetch`: one session with the provider, in which everything that is new comes into the archive. What the provider does is
 * an outcome: away, slow or broken: rejected, alerted until it is back; patience asked for: rejected until then; credentials,
 * host key or certificate refused: no second try, the profile is suspended until a person says `sync resume`. A provider that
 * stops answering holds neither the step nor its session past the step's abort.
 */
import { ArchiveError } from '../../archive/archive-error.ts';
import { type Commit, type Outcome, rejected, type StepContext } from '../../chains/define.ts';
import type { Tx } from '../../database/session.ts';
import type { ProviderSession, SessionResult } from '../session.ts';
import { readSyncSubject, type SyncInput, type SyncSubject } from '../sync-input.ts';
import { TransportError } from '../transports/transport.ts';
import { type Found, type ReceivedFile, type StoredFiles, storeFound } from './found-files.ts';
import type { InterpreterServices } from './services.ts';
import { suspend } from './suspend.ts';

export interface Reading {
  readonly services: InterpreterServices;
  readonly subject: SyncSubject;
  readonly context: StepContext<SyncInput>;
  readonly session: ProviderSession;
}

export interface ReadResult {
  readonly found: readonly Found[];
  /** What the profile is to remember of it. */
  remember(tx: Tx): Promise<void>;
}

/** Reading broke off: what had come until then is kept, so that the next try goes on behind it. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';
  readonly result: ReadResult;
  /** It came no further than the time before. */
  readonly stalled: boolean;
  constructor(cause: TransportError, result: ReadResult, stalled: boolean) {
    super(cause.message, { cause });
    this.result = result;
    this.stalled = stalled;
  }
}

/** Opens a transport, reads what is new, and closes it; `signal` ends whatever it waits for. Throws `TransportError`. */
export type Read = (reading: Reading) => Promise<ReadResult>;

export type Fetch =
  | {
      readonly kind: 'fetched';
      /** Not stored yet. */
      readonly received: readonly Omit<ReceivedFile, 'id' | 'version'>[];
      store(tx: Tx): Promise<StoredFiles>;
    }
  | { readonly kind: 'ended'; readonly outcome: Outcome };

export function fetchWith(read: Read, services: InterpreterServices) {
  return async (context: StepContext<SyncInput>): Promise<Fetch> => {
    const subject = await readSyncSubject(context.read, context.input);
    const answer = await services.acquireSession(context.input.session ?? null);
    if (answer.kind === 'later') return ended(rejected(answer.reason, { afterMs: answer.afterMs }));
    let became: SessionResult = 'unavailable';
    try {
      const result = await read({ services, subject, context, session: answer.session });
      became = 'ok';
      resolveAlerts(services, context.input);
      return fetched(context.input, result);
    } catch (error) {
      if (isWaitedOut(error)) {
        became = 'waiting';
        services.alerts.raise({ ...archiveAlert, level: 'critical', message: error.message });
        return ended(rejected(error.message));
      }
      const kept = error instanceof BrokenOff ? error : null;
      const trouble = error instanceof BrokenOff ? error.cause : error;
      if (!(trouble instanceof TransportError)) throw error;
      became = trouble.effect === 'limited' ? 'waiting' : trouble.effect;
      if (trouble.effect === 'refused') return ended(await suspend(services, context, trouble));
      if (trouble.effect === 'unavailable') {
        const message = `profile ${subject.customer}/${subject.profile} waits for its provider: ${trouble.message}`;
        services.alerts.raise({ ...unavailableAlert(context.input), level: 'warning', message });
      }
      return ended(rejected(trouble.message, { ...afterOf(trouble), ...keep(context.input, kept) }));
    } finally {
      answer.session.release(became);
    }
  };
}

function fetched(input: SyncInput, result: ReadResult): Fetch {
  return {
    kind: 'fetched',
    received: result.found.flatMap((entry) =>
      entry.kind === 'received'
        ? [{ name: entry.name, sha256: entry.sha256, logicalKey: entry.named!.logicalKey, seq: entry.named!.seq }]
        : [],
    ),
    async store(tx) {
      const stored = await storeFound(tx, input, result.found);
      await result.remember(tx);
      return stored;
    },
  };
}

function keep(input: SyncInput, kept: BrokenOff | null): { commit?: Commit; stalled?: boolean } {
  if (!kept) return {};
  const { result, stalled } = kept;
  return {
    stalled,
    commit: async (tx) => {
      await storeFound(tx, input, result.found);
      await result.remember(tx);
    },
  };
}

function afterOf({ afterMs }: TransportError): { afterMs?: number } {
  return afterMs === undefined ? {} : { afterMs };
}

function ended(outcome: Outcome): Fetch {
  return { kind: 'ended', outcome };
}

/** The chain tries again by itself for a day; until then nobody would know that nothing comes in. */
const unavailableAlert = (input: SyncInput) => ({ rule: 'profile.unavailable', subject: `profile ${input.profileId}` });

const archiveAlert = { rule: 'archive.trouble', subject: 'archive' };

function resolveAlerts({ alerts }: InterpreterServices, input: SyncInput): void {
  alerts.resolve(archiveAlert.rule, archiveAlert.subject);
  alerts.resolve('profile.suspended', `profile ${input.profileId}`);
  alerts.resolve(unavailableAlert(input).rule, unavailableAlert(input).subject);
}

/** An archive without space, rights or its mount is a state: nothing is wrong with the file or with this step. */
function isWaitedOut(error: unknown): error is ArchiveError {
  return error instanceof ArchiveError && ['disk-full', 'no-permission', 'unavailable'].includes(error.code);
}
