/**
 * Which received files may be imported now. A provider numbers its files per account; with a strict sequence a gap, or a
 * refused file, holds back what comes after it until the missing file or a good version is there (domain.md 5.1, F08).
 */
export interface WaitingFile {
  readonly seq: number;
  readonly version: number;
}

export interface SequenceState {
  /** Highest number imported so far; null when there is none: then the first file may have any number. */
  readonly lastSeq: number | null;
  /** Numbers above it that came with the bytes of a file that was there: an empty file is often like the one before. */
  readonly duplicateSeqs: readonly number[];
  /** Lowest number whose only deliveries were refused; null when there is none. */
  readonly refusedSeq: number | null;
}

export interface ImportPlan<F extends WaitingFile> {
  readonly now: readonly F[];
  readonly heldBack: readonly F[];
  /** Numbers that are waited for, or were skipped; the first of them at most, when the others are many. */
  readonly missing: readonly number[];
}

/** `block`: a gap holds back what comes after it; `alert`: nothing is held back, and the gap is told. */
export type OnGap = 'block' | 'alert';

const mostMissing = 20;

export function planImport<F extends WaitingFile>(
  files: readonly F[],
  state: SequenceState,
  onGap: OnGap = 'block',
): ImportPlan<F> {
  const ordered = [...files].sort((a, b) => a.seq - b.seq || a.version - b.version);
  const now: F[] = [];
  const missing: number[] = [];
  const came = new Set(state.duplicateSeqs);
  let last = state.lastSeq;
  for (const [index, file] of ordered.entries()) {
    while (last !== null && came.has(last + 1)) last += 1;
    // a number that was imported before is a re-delivery and stands outside the sequence
    const next = last === null || file.seq <= last + 1;
    const refusedBefore = state.refusedSeq !== null && file.seq > state.refusedSeq;
    if (onGap === 'alert') {
      for (let seq = (last ?? file.seq) + 1; seq < file.seq && missing.length < mostMissing; seq += 1)
        if (!came.has(seq)) missing.push(seq);
    } else if (!next || refusedBefore) {
      const missingSeq = refusedBefore ? state.refusedSeq : (last ?? 0) + 1;
      return { now, heldBack: ordered.slice(index), missing: missingSeq === null ? [] : [missingSeq] };
    }
    now.push(file);
    last = last === null ? file.seq : Math.max(last, file.seq);
  }
  return { now, heldBack: [], missing };
}
