/**
 * One boot of the process: begins its entry in the boot record, says how long to wait before work, and notes when it held
 * and how it ended. The caller owns the state directory. Nothing here throws: what goes wrong with the record is a warning.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Boot, beginBoot, bootFilePath, readBoots, withLast, writeBoots } from './boot-record.ts';
import { type CrashLoopLimits, crashLoopWaitMs, deathsInARow } from './crash-loop.ts';

export interface BootOptions {
  readonly stateDirectory: string;
  readonly release: string;
  readonly pid: number;
  readonly limits: CrashLoopLimits;
  readonly now: () => Date;
  readonly warn: (message: string) => void;
}

export interface BootLog {
  /** How the boot before this one ended; null when there was none. */
  readonly previous: Boot | null;
  /** Deaths in a row before this boot. */
  readonly deaths: number;
  /** To wait before any work is taken. */
  readonly waitMs: number;
  /** True once per crash loop, when it is to be alerted; false when that was done by an earlier boot. */
  claimAlert(): boolean;
  /** It has worked for long enough: the crash loop, if there was one, is over. */
  held(): void;
  end(code: number, why: string): void;
}

export function openBoot(options: BootOptions): BootLog {
  const { limits, now, warn } = options;
  const path = bootFilePath(options.stateDirectory);
  const before = readBoots(path, warn);
  let { crashLoopAlerted } = before;
  let boots = beginBoot(before.boots, {
    release: options.release,
    pid: options.pid,
    startedAt: now().toISOString(),
  });
  const earlier = boots.slice(0, -1);
  const deaths = deathsInARow(earlier);
  const save = () => {
    try {
      writeBoots(path, { boots, crashLoopAlerted });
    } catch (error) {
      warn(`the boot record ${path} cannot be written: ${(error as Error).message}`);
    }
  };
  save();
  return {
    previous: earlier.at(-1) ?? null,
    deaths,
    waitMs: crashLoopWaitMs(deaths, limits),
    claimAlert() {
      if (crashLoopAlerted) return false;
      crashLoopAlerted = true;
      save();
      return true;
    },
    held() {
      crashLoopAlerted = false;
      boots = withLast(boots, { healthyAt: now().toISOString() });
      save();
    },
    end(code, why) {
      boots = withLast(boots, { endedAt: now().toISOString(), end: code, why });
      save();
    },
  };
}

/** False when the wait was cut short by the signal. */
export async function waitBeforeWork(waitMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(waitMs, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
