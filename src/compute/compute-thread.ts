/**
 * One thread of the compute pool: a piscina of exactly one thread (minThreads = maxThreads, no idle timeout, no inherited
 * loader flags), so that ending, recycling or failing to start it can concern no neighbour. piscina's own abort is not used.
 *
 *   idle -> running -> idle            a task ended, also with an error of its own
 *        running -> (new thread)       the thread died, or did not stop within the deadline and was ended
 *        idle -> (new thread)          recycled when it is worn (wear.ts)
 *
 * A recycled thread is replaced only while its module is still there: after a deployment removed the release no new thread
 * can start, and an old one is better than none.
 */
import { existsSync } from 'node:fs';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { movesOf } from './moving.ts';
import type { PortMessage, TaskAnswer, TaskMessage } from './task-control.ts';
import { revivedError } from './task-error.ts';
import { ComputePoolClosedError, ThreadDiedError } from './thread-died.ts';
import { unworn, type Wear, type WearLimits } from './wear.ts';

export interface ThreadLimits {
  /** URL of the worker module (.ts). */
  readonly worker: URL;
  readonly maxOldGenerationMb: number;
  readonly wear: WearLimits;
  /** How long an aborted task may go on before its thread is ended. */
  readonly stopDeadlineMs: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

export type FinishedTask = TaskAnswer & { readonly ok: true };

export interface RunOnThread {
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What survives one scavenge must fit the 16 MB that Node keeps in reserve at the limit, else the whole process ends. */
const youngGenerationMb = 6;
/** A thread that ends sooner than this after its start cannot start at all: it is tried again at the next task, not at once. */
const startFailureMs = 1000;

export class ComputeThread {
  readonly #limits: ThreadLimits;
  readonly #onDeath: () => void;
  /** Null when the last one could not start. */
  #piscina: Piscina | null;
  #wear: Wear;
  #closed = false;
  readonly #ending = new Set<Promise<void>>();

  constructor(limits: ThreadLimits, onDeath: () => void) {
    this.#limits = limits;
    this.#onDeath = onDeath;
    this.#wear = unworn(limits.wear, limits.random(), limits.nowMs());
    this.#piscina = this.#start();
  }

  get alive(): boolean {
    return this.#piscina !== null;
  }

  /**
   * Rejects with the signal's reason, with what the task threw, or with `ThreadDiedError`. One call at a time: the next only
   * when this one settled.
   */
  async run<Args extends { readonly task: string }>(args: Args, options: RunOnThread): Promise<FinishedTask> {
    const { signal, onProgress } = options;
    signal.throwIfAborted();
    if (this.#closed) throw new ComputePoolClosedError(args.task);
    this.#piscina ??= this.#start();
    const piscina = this.#piscina;
    const stop = new SharedArrayBuffer(4);
    const { port1, port2 } = new MessageChannel();
    let moved: unknown = null;
    const take = (message: PortMessage) => {
      if ('moved' in message) moved = message.moved;
      else onProgress?.(...message);
    };
    if (onProgress) port1.on('message', take);
    let deadline: NodeJS.Timeout | undefined;
    const abort = () => {
      Atomics.store(new Int32Array(stop), 0, 1);
      deadline = setTimeout(() => this.#end(piscina), this.#limits.stopDeadlineMs);
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      const answer = await this.#post(piscina, { args, stop, port: port2 });
      if (!answer.ok) {
        signal.throwIfAborted();
        throw revivedError(answer.error);
      }
      for (let more = receiveMessageOnPort(port1); more; more = receiveMessageOnPort(port1)) take(more.message);
      return { ...answer, result: answer.result ?? moved };
    } catch (error) {
      if (error instanceof ThreadDiedError) signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', abort);
      port1.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#piscina) this.#end(this.#piscina);
    await Promise.all(this.#ending);
  }

  async #post(piscina: Piscina, message: TaskMessage<{ readonly task: string }>): Promise<TaskAnswer> {
    const before = piscina.threads[0];
    try {
      // piscina's type takes the options of `postMessage` for the list
      const answer: TaskAnswer = await piscina.run(message, {
        transferList: [message.port, ...movesOf(message.args)] as never,
      });
      if (this.#wear.afterTask(answer.heapMb, this.#limits.nowMs()) && existsSync(this.#limits.worker)) {
        this.#renew(piscina);
      }
      return answer;
    } catch (error) {
      // the same thread is still there: the arguments could not be posted to it
      if (before !== undefined && piscina.threads[0] === before) throw error;
      this.#onDeath();
      this.#renew(piscina);
      throw new ThreadDiedError(message.args.task, error);
    }
  }

  #start(): Piscina {
    const startedMs = this.#limits.nowMs();
    const piscina = new Piscina({
      filename: this.#limits.worker.href,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: this.#limits.maxOldGenerationMb,
        maxYoungGenerationSizeMb: youngGenerationMb,
      },
      recordTiming: false,
    });
    // emitted when a thread ends without a task: while it starts, or by a stray error between tasks
    piscina.on('error', () => {
      if (this.#limits.nowMs() - startedMs < startFailureMs) this.#end(piscina);
      else this.#renew(piscina);
    });
    this.#wear = unworn(this.#limits.wear, this.#limits.random(), startedMs);
    return piscina;
  }

  /** A new thread in place of this one, unless that has happened already. */
  #renew(piscina: Piscina): void {
    if (this.#piscina !== null && this.#piscina !== piscina) return;
    this.#end(piscina);
    if (!this.#closed) this.#piscina = this.#start();
  }

  /** Ends the thread whatever it does; the task on it, if any, rejects. */
  #end(piscina: Piscina): void {
    if (this.#piscina === piscina) this.#piscina = null;
    const ended = piscina.destroy().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
