/** Which version of a tariff is valid at an instant. Versions do not overlap; there may be gaps. */
import type { CompiledVersion } from './compiled-tariff.ts';

export interface VersionList {
  /** The version valid at an instant, null when there is none. */
  at(utcMs: number): CompiledVersion | null;
  /** First instant after `utcMs` at which the answer of `at` changes; Infinity when it does not. */
  nextChangeMs(utcMs: number): number;
}

/** `versions` oldest first. */
export function createVersionList(versions: readonly CompiledVersion[]): VersionList {
  let last = versions[0] ?? null;

  function at(utcMs: number): CompiledVersion | null {
    if (last !== null && isValid(last, utcMs)) return last;
    const found = versions.find((version) => isValid(version, utcMs)) ?? null;
    if (found !== null) last = found;
    return found;
  }

  function nextChangeMs(utcMs: number): number {
    const valid = at(utcMs);
    if (valid !== null) return valid.toMs;
    return versions.find((version) => version.fromMs > utcMs)?.fromMs ?? Infinity;
  }

  return { at, nextChangeMs };
}

function isValid(version: CompiledVersion, utcMs: number): boolean {
  return utcMs >= version.fromMs && utcMs < version.toMs;
}
