/**
 * One node process as the primary sees it: forked, ordered, ready, and at some time ended. `startNode` resolves when the
 * node is ready (its tree and its admin socket stand) and rejects, with no process left behind, when it ends before or when
 * the signal aborts. `stop` asks in order and kills after the deadline; it never rejects.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { FromNode, NodeOrder, ToNode } from './messages.ts';

export interface NodeEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What the node said, else what the operating system told. */
  readonly why: string;
  /** It was told to, by `stop`. */
  readonly wanted: boolean;
}

export interface NodeProcess {
  readonly index: number;
  readonly pid: number;
  readonly socket: string;
  /** Monotonic, of the last proof that it sent; the time of its start before the first. */
  provenMs(): number;
  status(): string;
  /** It is ending in order, by its own or another's wish. */
  isStopping(): boolean;
  readonly ended: Promise<NodeEnd>;
  send(message: ToNode): void;
  stop(stop: { code: 0 | 75; why: string }, deadlineMs: number): Promise<NodeEnd>;
  /** Ends it at once; `why` is what `ended` tells. */
  kill(why: string): void;
}

export interface NodeStart {
  readonly index: number;
  readonly socket: string;
  readonly entry: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly order: NodeOrder;
  /** Everything that it says but `ready`, `status` and `proof`. */
  readonly onMessage: (message: FromNode) => void;
  readonly nowMs: () => number;
}

export async function startNode(start: NodeStart, signal: AbortSignal): Promise<NodeProcess> {
  signal.throwIfAborted();
  const { index, nowMs } = start;
  const child = fork(start.entry, ['start', '--node', String(index)], {
    env: { ...start.env },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<NodeEnd>();
  let provenMs = nowMs();
  let status = 'starting';
  let told: string | null = null;
  let stopping = false;
  let wanted = false;

  child.on('message', (message: FromNode) => {
    switch (message.type) {
      case 'ready':
        status = message.status;
        provenMs = nowMs();
        ready.resolve();
        return;
      case 'status':
        status = message.status;
        return;
      case 'proof':
        provenMs = nowMs();
        return;
      case 'stopping':
        stopping = true;
        status = message.why;
        return;
      case 'ended':
        told = message.why;
        return;
      default:
        start.onMessage(message);
    }
  });
  child.once('error', (error) => finish(null, null, `could not be started: ${error.message}`));
  child.once('exit', (code, signalName) => finish(code, signalName, told ?? signalName ?? `exit code ${code}`));
  function finish(code: number | null, signalName: NodeJS.Signals | null, why: string): void {
    stopping = true;
    ended.resolve({ code, signal: signalName, why, wanted });
  }
  const send = (message: ToNode) => {
    if (child.connected) child.send(message, () => {});
  };
  const kill = (why: string) => {
    told = why;
    stopping = true;
    child.kill('SIGKILL');
  };

  const abort = () => kill('its start was given up');
  signal.addEventListener('abort', abort, { once: true });
  try {
    send(start.order);
    await Promise.race([ready.promise, ended.promise.then((end) => Promise.reject(new NodeEndedError(index, end)))]);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', abort);
  }
  return {
    index,
    pid: child.pid!,
    socket: start.socket,
    provenMs: () => provenMs,
    status: () => status,
    isStopping: () => stopping,
    ended: ended.promise,
    send,
    async stop({ code, why }, deadlineMs) {
      wanted = true;
      stopping = true;
      send({ type: 'stop', code, why });
      // a node that lost its channel would not hear it
      if (!child.connected) child.kill('SIGTERM');
      return endWithin(child, ended.promise, deadlineMs, kill);
    },
    kill,
  };
}

async function endWithin(
  child: ChildProcess,
  ended: Promise<NodeEnd>,
  deadlineMs: number,
  kill: (why: string) => void,
): Promise<NodeEnd> {
  const over = new AbortController();
  const late = delay(deadlineMs, 'late' as const, { signal: over.signal }).catch(() => null);
  try {
    const first = await Promise.race([ended, late]);
    if (first === 'late' && child.exitCode === null) kill(`it did not end within ${deadlineMs} ms and was killed`);
    return await ended;
  } finally {
    over.abort();
  }
}

/** A node process that ended although nobody had told it to. */
export class NodeEndedError extends Error {
  override readonly name = 'NodeEndedError';
  readonly end: NodeEnd;
  constructor(index: number, end: NodeEnd) {
    const how = end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`;
    super(`node process ${index} ended ${how}: ${end.why}`);
    this.end = end;
  }
}
