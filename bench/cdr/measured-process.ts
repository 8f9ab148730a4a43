/** The bench's side of a contender's process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { ContenderName, ContenderOptions } from './contender.ts';
import type { Pass } from './contender-process.ts';

export interface MeasuredProcess {
  /** Rejects when the process ended without an answer; what it wrote is on stderr. */
  pass(): Promise<Pass>;
  end(): Promise<void>;
}

const compileCache = resolve('.linekeeper/bench/compiled');

export async function startContender(name: ContenderName, options: ContenderOptions): Promise<MeasuredProcess> {
  const module = new URL('./contender-process.ts', import.meta.url);
  const child = fork(module, [name, JSON.stringify(options)], {
    // the peers keep two million records in a Map
    execArgv: ['--max-old-space-size=8192'],
    // as under the product's launcher: code that was compiled before is there
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  // one for all passes: `once` for each of them would leave its listeners on the process
  const dead = died(child, name);
  dead.catch(() => {});
  const answer = () => Promise.race([once(child, 'message'), dead]);
  await answer();
  return {
    async pass() {
      const answered = answer();
      child.send('run');
      return (await answered)[0] as Pass;
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const over = once(child, 'exit');
      child.send('end');
      await over;
    },
  };
}

async function died(child: ChildProcess, name: string): Promise<never> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  throw new Error(`the process of ${name} ended with ${signal ?? code}, before an answer or between two passes`);
}
