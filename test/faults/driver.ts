/** Carries a plan out: the lanes at once, each fault after the one before it in its lane. Remembers what each one hit. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scene } from './fault.ts';
import { lanes, type Plan, type PlannedFault } from './plan.ts';

export interface Injected {
  readonly name: string;
  readonly row: number;
  /** What it hit; null: nothing. */
  readonly hit: string | null;
  /** It could not be carried out, or saw what may not be. */
  readonly error: Error | null;
  readonly tookMs: number;
}

const longestMs = 150_000;
const mostTries = 5;
/** What stood in the way, such as a line that is half open, may take its time. */
const betweenTriesMs = 2_000;

/** No fault begins after `untilMs` from now. */
export async function carryOut(plan: Plan, scene: Omit<Scene, 'draw'>, untilMs: number): Promise<Injected[]> {
  const beganMs = performance.now();
  const injected: Injected[] = [];
  const seconds = () => ((performance.now() - beganMs) / 1_000).toFixed(1).padStart(6);

  /** False: it may be tried again. */
  async function one({ fault, draw }: PlannedFault): Promise<boolean> {
    const startedMs = performance.now();
    let hit: string | null = null;
    let error: Error | null = null;
    const late = new AbortController();
    try {
      hit = await Promise.race([fault.inject({ ...scene, draw }), tooLong(late.signal)]);
    } catch (failure) {
      error = failure as Error;
    } finally {
      late.abort();
    }
    const tookMs = Math.round(performance.now() - startedMs);
    injected.push({ name: fault.name, row: fault.row, hit, error, tookMs });
    scene.stage.say(`${seconds()} s  ${fault.name}: ${error ? `ERROR ${error.message}` : (hit ?? 'hit nothing')}`);
    return hit !== null || error !== null;
  }

  await Promise.all(
    lanes.map(async (lane) => {
      for (const planned of plan[lane]) {
        await delay(planned.gapMs);
        for (let tries = 0; tries < mostTries; tries += 1) {
          if (tries === 0 && performance.now() - beganMs >= untilMs) return;
          // another fault may have been there first: nobody was left to hit
          if (await one(planned)) break;
          await delay(betweenTriesMs);
        }
      }
    }),
  );
  return injected;
}

async function tooLong(signal: AbortSignal): Promise<never> {
  await delay(longestMs, undefined, { signal });
  throw new Error(`it was not over after ${longestMs / 1_000} s`);
}
