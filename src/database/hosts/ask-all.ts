/**
 * Asks all hosts at once, and waits for no more of them than it takes: for all answers, or after `settleMs` for as many as
 * are `enough`, or after `answerMs` for none any more (those that are missing then are errors). What is still under way at
 * the end is abandoned. Rejects only with the signal's reason.
 */
import type { ServerFacts } from '../server-facts.ts';
import { DatabaseDownError } from '../session.ts';
import type { HostAnswer } from './choose.ts';
import type { DatabaseHost } from './host-list.ts';

export interface AskOptions {
  readonly hosts: readonly DatabaseHost[];
  readonly ask: (url: string, signal: AbortSignal, timeoutMs: number) => Promise<ServerFacts>;
  /** Calls back after the delay; returns a cancel function. */
  readonly after: (delayMs: number, run: () => void) => () => void;
  /** Default 1,000 and 4,000. */
  readonly settleMs?: number;
  readonly answerMs?: number;
}

/** Resolves to one answer per host; null: none in time. */
export async function askAll(
  { hosts, ask, after, settleMs = 1_000, answerMs = 4_000 }: AskOptions,
  enough: (answers: readonly HostAnswer[]) => boolean,
  signal: AbortSignal,
): Promise<readonly HostAnswer[]> {
  signal.throwIfAborted();
  const answers: HostAnswer[] = hosts.map(() => null);
  const over = new AbortController();
  const done = Promise.withResolvers<void>();
  let patient = true;
  const look = () => {
    if (answers.every((answer) => answer !== null) || (!patient && enough(answers))) done.resolve();
  };
  const give = (at: number, answer: HostAnswer) => {
    if (over.signal.aborted) return;
    answers[at] ??= answer;
    look();
  };
  const abort = () => done.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const cancels = [
    after(settleMs, () => {
      patient = false;
      look();
    }),
    after(answerMs, () => {
      const error = new DatabaseDownError(`it did not answer within ${answerMs} ms`);
      for (const at of hosts.keys()) give(at, { error });
    }),
  ];
  const asking = AbortSignal.any([signal, over.signal]);
  for (const [at, { url }] of hosts.entries()) {
    ask(url, asking, answerMs).then(
      (facts) => give(at, { facts }),
      (error: unknown) => give(at, { error: error instanceof Error ? error : new Error(String(error)) }),
    );
  }
  try {
    await done.promise;
    return answers;
  } finally {
    over.abort(new DatabaseDownError('it was not waited for'));
    signal.removeEventListener('abort', abort);
    for (const cancel of cancels) cancel();
  }
}
