/**
 * A boot that did not come as far as the service, because a module of it did not load. It is recorded like any other, and
 * its wait is taken before the process ends, since the next one may not come further either.
 */

import type { Config } from '../config/schema.ts';
import { prepareStateDirectory } from '../config/state-directory.ts';
import { ownStateDirectory } from '../database/embedded/ownership.ts';
import { openBoot, waitBeforeWork } from './boot.ts';

/** Rejects when the state directory cannot be had; then nothing is recorded. */
export async function recordFailedBoot(
  config: Pick<Config, 'stateDirectory' | 'crashLoop'>,
  error: Error,
  onStopSignal: (told: () => void) => () => void,
): Promise<void> {
  prepareStateDirectory(config.stateDirectory);
  const ownership = await ownStateDirectory(config.stateDirectory);
  const told = new AbortController();
  const unwatch = onStopSignal(() => told.abort());
  try {
    const boot = openBoot({
      stateDirectory: config.stateDirectory,
      // package.json may be what is missing
      release: 'unknown',
      pid: process.pid,
      limits: config.crashLoop,
      now: () => new Date(),
      warn: () => {},
    });
    boot.end(70, error.message);
    await waitBeforeWork(boot.waitMs, told.signal);
  } finally {
    unwatch();
    await ownership.release();
  }
}
