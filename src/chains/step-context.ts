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
import { ownEffectKey } from './effects.ts';
import type { AnyStep } from './registry.ts';
import type { Run } from './run.ts';

export interface OpenStepContext {
  readonly context: StepContext;
  /** Gives the read session back. Never throws. Null when none was taken. */
  endReads(): Promise<void> | null;
  /** Removes the spool directory. Never throws. Null when there is none. */
  removeSpool(): Promise<void> | null;
}

export interface StepOutside {
  readonly reads: Database;
  readonly log: StepLog;
  readonly spoolRoot: string | null;
  readonly onProgress: (run: Run, done: number, total: number, unit: string) => void;
}

/** Everything but plain values is made when the handler takes it: most take little. */
class Context implements StepContext, OpenStepContext {
  readonly #run: Run;
  readonly #step: AnyStep;
  readonly #outside: StepOutside;
  readonly #effectKey: string | null;
  #reads: LazyRead | null = null;
  #spool: Promise<string> | null = null;

  constructor(run: Run, step: AnyStep, outside: StepOutside, effectKey: string | null) {
    this.#run = run;
    this.#step = step;
    this.#outside = outside;
    this.#effectKey = effectKey;
  }

  get context(): StepContext {
    return this;
  }

  get chainId() {
    return this.#run.chain.chainId;
  }
  get input() {
    return this.#run.chain.input;
  }
  get previous() {
    return this.#run.chain.previous;
  }
  get attempt() {
    return this.#run.chain.attempt;
  }
  get signal() {
    return this.#run.abort.signal;
  }
  get traceparent() {
    return this.#run.traceparent;
  }
  get effectKey() {
    return this.#effectKey ?? ownEffectKey(this.#run, this.#step);
  }
  get progress() {
    return (done: number, total: number, unit: string) => this.#outside.onProgress(this.#run, done, total, unit);
  }
  get read() {
    this.#reads ??= lazyRead(this.#outside.reads, () => this.#run.abort.signal);
    return this.#reads.session;
  }

  get log() {
    const { chain, traceparent } = this.#run;
    const { log } = this.#outside;
    const fields = {
      chainId: chain.chainId,
      chain: chain.name,
      step: chain.step,
      attempt: chain.attempt,
      trace_id: parseTraceparent(traceparent)?.traceId,
    };
    return {
      info: (more: object, message: string) => log.info({ ...fields, ...more }, message),
      warn: (more: object, message: string) => log.warn({ ...fields, ...more }, message),
    };
  }

  get spoolDirectory() {
    return () => {
      const { chain } = this.#run;
      this.#spool ??= makeSpool(this.#outside.spoolRoot, `${chain.chainId}-${chain.token}-`);
      return this.#spool;
    };
  }

  get children() {
    const { chain } = this.#run;
    return () => readChildren(this.read, chain.chainId, chain.linked?.joinToken ?? null);
  }

  endReads(): Promise<void> | null {
    // one that was not taken is not to be had any more
    const reads = this.#reads;
    this.#reads ??= overRead;
    return reads?.end() ?? null;
  }

  removeSpool(): Promise<void> | null {
    return this.#spool && removeDirectory(this.#spool);
  }
}

/** `effectKey`: null for that of every step. */
export function openStepContext(
  run: Run,
  step: AnyStep,
  outside: StepOutside,
  effectKey: string | null,
): OpenStepContext {
  return new Context(run, step, outside, effectKey);
}

async function removeDirectory(spool: Promise<string>): Promise<void> {
  const directory = await spool.catch(() => null);
  if (directory) await rm(directory, { recursive: true, force: true }).catch(() => {});
}

async function makeSpool(root: string | null, prefix: string): Promise<string> {
  const parent = root ?? tmpdir();
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, `spool-${prefix}`));
}

interface LazyRead {
  readonly session: ReadSession;
  end(): Promise<void>;
}

const over = async () => {
  throw new Error('the read session ended when the handler returned');
};
const overRead: LazyRead = { session: { query: over, copyOut: over }, end: async () => {} };

/** One read-only transaction that begins at the first statement and ends with `end`; the abort cancels its query. */
function lazyRead(reads: Database, signal: () => AbortSignal): LazyRead {
  let end: () => void = () => {};
  let opened: Promise<ReadSession> | null = null;
  let transaction: Promise<void> | null = null;
  let isOver = false;

  function session(): Promise<ReadSession> {
    if (isOver) return over();
    if (opened) return opened;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    opened = new Promise<ReadSession>((resolve, reject) => {
      transaction = reads
        .read(
          async (inside) => {
            resolve(inside);
            await ended;
          },
          { signal: signal() },
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
      isOver = true;
      end();
      await transaction;
    },
  };
}
