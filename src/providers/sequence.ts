/**
 * Which received files may be imported now. A provider numbers its files per account; with a strict sequence a gap, or a
 * refused file, holds back what comes after it until the missing file or a good version is there (domain.md 5.1, F08).
 */
export interface WaitingFile {
  readonly id: string;
  readonly name: string;
  readonly seq: number;
  readonly version: number;
}

export interface SequenceState {
  /** Highest number imported so far; null when there is none: then the first file may have any number. */
  readonly lastSeq: number | null;
  /** Lowest number whose only deliveries were refused; null when there is none. */
  readonly refusedSeq: number | null;
}

export interface ImportPlan<F extends WaitingFile> {
  readonly now: readonly F[];
  readonly heldBack: readonly F[];
  /** The number that is waited for; null when nothing is held back. */
  readonly missingSeq: number | null;
}

export function planImport<F extends WaitingFile>(files: readonly F[], state: SequenceState): ImportPlan<F> {
  const ordered = [...files].sort((a, b) => a.seq - b.seq || a.version - b.version);
  const now: F[] = [];
  let last = state.lastSeq;
  for (const [index, file] of ordered.entries()) {
    // a number that was imported before is a re-delivery and stands outside the sequence
    const next = last === null || file.seq <= last + 1;
    const refusedBefore = state.refusedSeq !== null && file.seq > state.refusedSeq;
    if (!next || refusedBefore) {
      const missingSeq = refusedBefore ? state.refusedSeq : (last ?? 0) + 1;
      return { now, heldBack: ordered.slice(index), missingSeq };
    }
    now.push(file);
    last = last === null ? file.seq : Math.max(last, file.seq);
  }
  return { now, heldBack: [], missingSeq: null };
}
