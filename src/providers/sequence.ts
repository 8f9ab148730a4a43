/**
 * Which received files may be imported now. A provider numbers its files per account; with a strict sequence a gap holds
 * back what comes after it until the missing file is there (domain.md 5.1, fault F08).
 */
export interface WaitingFile {
  readonly id: string;
  readonly name: string;
  readonly seq: number;
  /** Above 1: a re-delivery, which stands outside the sequence. */
  readonly version: number;
}

export interface ImportPlan<F extends WaitingFile> {
  readonly now: readonly F[];
  readonly heldBack: readonly F[];
  /** The number that is waited for; null when nothing is held back. */
  readonly missingSeq: number | null;
}

/** `lastSeq` is the highest number imported so far, null when there is none: then the first file may have any number. */
export function planImport<F extends WaitingFile>(files: readonly F[], lastSeq: number | null): ImportPlan<F> {
  const ordered = [...files].sort((a, b) => a.seq - b.seq || a.version - b.version);
  const now: F[] = [];
  let last = lastSeq;
  for (const [index, file] of ordered.entries()) {
    const outside = file.version > 1 || (last !== null && file.seq <= last);
    if (!outside && last !== null && file.seq !== last + 1) {
      return { now, heldBack: ordered.slice(index), missingSeq: last + 1 };
    }
    now.push(file);
    last = last === null ? file.seq : Math.max(last, file.seq);
  }
  return { now, heldBack: [], missingSeq: null };
}
