/**
 * The release guard: notices that the release which is wanted is another one, or that its own is gone. A deployment moves
 * the link `current` and removes old releases; a process that resolved the link once runs a deleted release for weeks.
 *
 * It acts only on what two looks, `settleMs` apart, saw alike:
 *
 * - `current` leads to another release: that one is checked by its own `release check`. When it fits `onMoved`, else
 *   `onTrouble` once, and this release goes on; a refused release is checked again every `retryMs`.
 * - `current` leads nowhere while the own directory is there: `onTrouble` once, as a restart would fail.
 * - the own directory is gone: `onMoved` when `current` leads to a release that fits, else `onDeleted`.
 * - everything is in order (again): `onWell` once.
 *
 * `onMoved` and `onDeleted` come at most once, and nothing after them. It knows no domain code, so that a process without
 * any can use it. `look` rejects when a directory cannot be looked at; nothing is concluded from that.
 */
import type { Observation, ReleasePlace } from './place.ts';

export interface CheckedRelease {
  readonly ok: boolean;
  /** What fits, or what does not: for a person, one line. */
  readonly message: string;
}

export interface GuardEvents {
  readonly onMoved: (directory: string) => void;
  readonly onDeleted: (why: string) => void;
  readonly onTrouble: (why: string) => void;
  readonly onWell: () => void;
}

export interface GuardOptions extends GuardEvents {
  readonly place: ReleasePlace;
  readonly observe: () => Promise<Observation>;
  readonly check: (directory: string, signal: AbortSignal) => Promise<CheckedRelease>;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** How long something must stay as it was seen first. */
  readonly settleMs: number;
  readonly retryMs: number;
}

export interface ReleaseGuard {
  /** One look at a time; a check may take minutes. */
  look(signal: AbortSignal): Promise<void>;
  /** What was concluded last, for a person. */
  describe(): string;
}

export function guardRelease(options: GuardOptions): ReleaseGuard {
  const { place, nowMs } = options;
  let seenFirst = { key: '', atMs: 0 };
  let told = '';
  let refused = { key: '', atMs: 0 };
  let ended = false;

  /** The same again is not told again. */
  function once(words: string, tell: () => void): void {
    if (told === words) return;
    told = words;
    tell();
  }

  function deleted(why: string): void {
    ended = true;
    once(why, () => options.onDeleted(why));
  }

  async function candidate(seen: Observation, directory: string, key: string, signal: AbortSignal): Promise<void> {
    if (refused.key === key && nowMs() - refused.atMs < options.retryMs) return;
    const checked = await options.check(directory, signal);
    if (signal.aborted) return;
    // a check takes seconds: what was moved on meanwhile is looked at anew
    if (keyOf(await options.observe()) !== key) return;
    if (checked.ok) {
      ended = true;
      once(`moving to ${directory}`, () => options.onMoved(directory));
    } else if (seen.own) {
      refused = { key, atMs: nowMs() };
      const why = `${place.current} leads to the release ${directory}, which cannot be started: ${checked.message}; this one, ${place.directory}, goes on`;
      once(why, () => options.onTrouble(why));
    } else {
      deleted(
        `the release directory ${place.directory} was deleted, and the release ${directory} that ${place.current} leads to cannot be started: ${checked.message}; move ${place.current} to a good release`,
      );
    }
  }

  return {
    async look(signal) {
      if (ended) return;
      const seen = await options.observe();
      const key = keyOf(seen);
      if (key !== seenFirst.key) {
        seenFirst = { key, atMs: nowMs() };
        return;
      }
      if (nowMs() - seenFirst.atMs < options.settleMs) return;
      const { own, current } = seen;
      if (current !== null && own && current.identity === place.identity) {
        refused = { key: '', atMs: 0 };
        once('in order', options.onWell);
      } else if (current !== null) {
        await candidate(seen, current.directory, key, signal);
      } else if (own) {
        const why = `${place.current} leads nowhere, so this release, ${place.directory}, could not be started again; it goes on`;
        once(why, () => options.onTrouble(why));
      } else {
        deleted(
          place.current === place.directory
            ? `the release directory ${place.directory} was deleted: install it again`
            : `the release directory ${place.directory} was deleted, and ${place.current} leads nowhere: move it to a good release`,
        );
      }
    },
    describe: () => told || 'not looked for long enough yet',
  };
}

function keyOf({ own, current }: Observation): string {
  return `${own} ${current?.directory} ${current?.identity}`;
}
