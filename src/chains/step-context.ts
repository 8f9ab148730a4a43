/**
 * What a handler is given, and what has to be taken back when it has returned or is given up: the read-only session (taken
 * at its first use) and the spool directory (removed once the completion is known).
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { parseTraceparent } from '../../otel/traceparent.ts';
import type { Database, ReadSession, Row } from '../database/session.ts';
import { readChildren } from './children.ts';
import type { StepContext, StepLog } from './define.ts';
import type { Run } from './run.ts';

export interface OpenStepContext {
  readonly context: StepContext;
  /** Gives the read session back. Never throws. */
  endReads(): Promise<void>;
  /** Removes the spool directory. Never throws. */
  removeSpool(): Promise<void>;
}

export function openStepContext(
  run: Run,
  outside: {
    readonly reads: Database;
    readonly log: StepLog;
    readonly spoolRoot: string | null;
    readonly effectKey: string;
    readonly onProgress: (done: number, total: number, unit: string) => void;
  },
): OpenStepContext {
  const { chain } = run;
  const reads = lazyRead(outside.reads, run.abort.signal);
  const fields = {
    chainId: chain.chainId,
    chain: chain.name,
    step: chain.step,
    attempt: chain.attempt,
    trace_id: parseTraceparent(run.traceparent)?.traceId,
  };
  let spool: Promise<string> | null = null;
  return {
    context: {
      chainId: chain.chainId,
      input: chain.input,
      previous: chain.previous,
      attempt: chain.attempt,
      signal: run.abort.signal,
      log: {
        info: (more, message) => outside.log.info({ ...fields, ...more }, message),
        warn: (more, message) => outside.log.warn({ ...fields, ...more }, message),
      },
      traceparent: run.traceparent,
      effectKey: outside.effectKey,
      progress: outside.onProgress,
      read: reads.session,
      spoolDirectory() {
        spool ??= makeSpool(outside.spoolRoot, `${chain.chainId}-${chain.token}-`);
        return spool;
      },
      children: () => readChildren(reads.session, chain.chainId, chain.linked?.joinToken ?? null),
    },
    endReads: reads.end,
    async removeSpool() {
      const directory = await spool?.catch(() => null);
      if (directory) await rm(directory, { recursive: true, force: true }).catch(() => {});
    },
  };
}

async function makeSpool(root: string | null, prefix: string): Promise<string> {
  const parent = root ?? tmpdir();
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, `spool-${prefix}`));
}

/** One read-only transaction that begins at the first statement and ends with `end`; the abort cancels its query. */
function lazyRead(reads: Database, signal: AbortSignal): { session: ReadSession; end(): Promise<void> } {
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let opened: Promise<ReadSession> | null = null;
  let transaction: Promise<void> | null = null;
  let over = false;

  function session(): Promise<ReadSession> {
    if (over) return Promise.reject(new Error('the read session ended when the handler returned'));
    if (opened) return opened;
    opened = new Promise<ReadSession>((resolve, reject) => {
      transaction = reads
        .read(
          async (inside) => {
            resolve(inside);
            await ended;
          },
          { signal },
        )
        .catch(reject);
    });
    return opened;
  }

  return {
    session: {
      async query<R extends Row>(text: string, values?: readonly unknown[]) {
        return (await session()).query<R>(text, values);
      },
      async copyOut(text: string, target: Writable) {
        return (await session()).copyOut(text, target);
      },
    },
    async end() {
      over = true;
      end();
      await transaction;
    },
  };
}
