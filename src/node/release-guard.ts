/** The release guard of a node: its place, its check of other releases, and the clock. */
import type { Config } from '../config/schema.ts';
import { type GuardEvents, guardRelease, type ReleaseGuard } from '../release/guard.ts';
import { observe, type ReleasePlace } from '../release/place.ts';
import { runReleaseCheck } from '../release/run-check.ts';
import type { Resources } from './resources.ts';

export interface NodeReleaseGuard {
  readonly events: GuardEvents;
  readonly resources: Pick<Resources, 'env' | 'databaseUrl'> & {
    readonly config: Pick<Config, 'database'>;
  };
  /** Of the start of the process: a directory that was replaced later is not ours, also for a guard that begins later. */
  readonly place: ReleasePlace;
  readonly cwd: string;
  readonly configFile: string | undefined;
}

/** For a node under a primary, which looks for all of them. */
export const guardedAbove: ReleaseGuard = { look: async () => {}, describe: () => 'the primary looks' };

const settleMs = 2_000;
const retryMs = 60_000;
const checkTimeoutMs = 120_000;

export function openReleaseGuard(options: NodeReleaseGuard): ReleaseGuard {
  const { events, place, cwd, configFile, resources } = options;
  const { config, env } = resources;
  return guardRelease({
    ...events,
    place,
    observe: () => observe(place),
    async check(directory, signal) {
      try {
        // an embedded database has no address that another release could find in the configuration
        const database = config.database.url === undefined ? { DATABASE_URL: resources.databaseUrl() } : {};
        const checkEnv = { ...env, ...database };
        return await runReleaseCheck({ directory, env: checkEnv, cwd, configFile, signal, timeoutMs: checkTimeoutMs });
      } catch (error) {
        return { ok: false, message: (error as Error).message };
      }
    },
    nowMs: () => performance.now(),
    settleMs,
    retryMs,
  });
}
