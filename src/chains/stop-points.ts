/**
 * Named places of the engine at which a test stops the world: kills the process, or waits. In production nothing is
 * installed. `reach` is awaited where the engine can wait; in `progress` it is only called.
 *
 * - after-claim: (chain, token) is this node's, by a claim or a continuation, and its handler has not started
 * - mid-handler: the handler has run up to its first await; again at every `progress`
 * - after-handler: the outcome is known, nothing is written
 * - mid-commit-callback: a statement of the callback has run, its transaction is open; once for each statement
 * - mid-copy: rows of a COPY of the callback are on their way, and not all of them
 * - before-commit: everything is written, COMMIT is not sent
 * - after-commit: the answer to COMMIT has arrived
 * - before-ack: the completion is durable, the engine has not let go of the step in memory
 * - mid-sweep: the sweep's statement has run, its transaction is open; once for each due chain and each held one
 * - mid-recovery: a dead node's chain is freed, the transaction is open
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

export const stopPointNames = [
  'after-claim',
  'mid-handler',
  'after-handler',
  'before-commit',
  'after-commit',
  'before-ack',
  'mid-commit-callback',
  'mid-copy',
  'mid-sweep',
  'mid-recovery',
] as const;

export type StopPointName = (typeof stopPointNames)[number];

export interface StopPoints {
  reach(name: StopPointName, chainId: string, step: string): Promise<void> | void;
}

export const noStopPoints: StopPoints = { reach() {} };

/**
 * `LINEKEEPER_STOP_POINT=name[:step][:nth]`: at its nth reach (default the first) writes `name chain step` as a line to
 * the file `LINEKEEPER_STOP_POINT_LOG`, durably, and kills this process with SIGKILL. Throws on an unknown name.
 */
export function stopPointsFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  kill: () => void = () => process.kill(process.pid, 'SIGKILL'),
): StopPoints {
  const wanted = env.LINEKEEPER_STOP_POINT;
  if (!wanted) return noStopPoints;
  const [wantedName, ...rest] = wanted.split(':');
  if (!stopPointNames.includes(wantedName as StopPointName)) {
    throw new Error(`LINEKEEPER_STOP_POINT names ${wantedName}; it must be one of ${stopPointNames.join(', ')}`);
  }
  const nth = Number(rest.find((part) => /^[1-9]\d*$/.test(part)) ?? 1);
  const wantedStep = rest.find((part) => !/^\d+$/.test(part));
  let reached = 0;
  return {
    reach(name, chainId, step) {
      if (name !== wantedName || (wantedStep !== undefined && step !== wantedStep)) return;
      reached += 1;
      if (reached !== nth) return;
      if (env.LINEKEEPER_STOP_POINT_LOG) writeLine(env.LINEKEEPER_STOP_POINT_LOG, `${name} ${chainId} ${step}\n`);
      kill();
    },
  };
}

function writeLine(path: string, line: string): void {
  const file = openSync(path, 'a');
  try {
    writeSync(file, line);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
