/**
 * `processes/process-N`: one node process as a child of the primary's tree. It is ready when the node is; the process's end
 * is this actor's crash, with the supervisor's backoff and thresholds, unless the node wanted to be started anew (75) or
 * ended well (0): then the next one is started at once and takes nothing from any budget, provided that it had lived for a
 * while. Exit 78 waits for a person and ends the primary too.
 */
import { type NodeEnd, NodeEndedError, type NodeProcess } from '../src/cluster/node-process.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec, Reply } from '../supervisors/types.ts';

export type ProcessMessage =
  | { readonly type: 'ended'; readonly process: NodeProcess; readonly end: NodeEnd }
  /** Ends the node in order and starts it anew; answers when the new one is ready. */
  | { readonly type: 'restart'; readonly why: string; readonly reply: Reply<number> };

export interface ProcessServices {
  readonly index: number;
  readonly start: (signal: AbortSignal) => Promise<NodeProcess>;
  /** The node process of the moment; null while there is none. */
  readonly onChange: (process: NodeProcess | null) => void;
  readonly onUnsuitable: (error: Error) => void;
  readonly nowMs: () => number;
  /** How long an ordered end of a node may take. */
  readonly stopMs: number;
}

interface ProcessState {
  process: NodeProcess;
  readonly startedMs: number;
}

/** Started anew more often than this, a node that "wants to be started anew" is one that crashes. */
const shortestLifeMs = 3_000;
const startMs = 120_000;

export function nodeProcess(services: ProcessServices): ActorSpec<ProcessMessage, ProcessState> {
  const { index, nowMs, onChange, stopMs } = services;
  async function begin(context: { signal: AbortSignal; self: { send(message: ProcessMessage): unknown } }) {
    const process = await services.start(context.signal).catch((error: unknown) => {
      if (error instanceof NodeEndedError && error.end.code === 78) services.onUnsuitable(error);
      throw error;
    });
    void process.ended.then((end) => {
      onChange(null);
      if (!end.wanted) context.self.send({ type: 'ended', process, end });
    });
    onChange(process);
    return { process, startedMs: nowMs() };
  }
  return actor<ProcessMessage, ProcessState>({
    id: `process-${index}`,
    init: begin,
    async receive(state, message, context) {
      switch (message.type) {
        case 'ended': {
          // of a process that was replaced since
          if (message.process !== state.process) return state;
          const { end } = message;
          const error = new NodeEndedError(index, end);
          if (end.code === 78) services.onUnsuitable(error);
          const isNormal = end.code === 0 || end.code === 75;
          if (!isNormal || nowMs() - state.startedMs < shortestLifeMs) throw error;
          return begin(context);
        }
        case 'restart': {
          await state.process.stop({ code: 75, why: message.why }, stopMs);
          const next = await begin(context);
          message.reply(next.process.pid);
          return next;
        }
      }
    },
    async terminate({ process }) {
      await process.stop({ code: 0, why: 'the primary stops' }, stopMs);
    },
    describe: ({ process }) => ({ pid: process.pid, status: process.status() }),
    options: {
      startDeadlineMs: startMs,
      stopDeadlineMs: stopMs + 5_000,
      messageDeadlineMs: stopMs + startMs,
      backoff: { baseMs: 500, capMs: 30_000 },
      healthyAfterMs: 60_000,
    },
  });
}
