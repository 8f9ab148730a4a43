/**
 * A database that answers and takes no writes: out of disk, memory or other resources (SQLSTATE class 53), or read-only
 * (25006). It is waited out like one that is away; the loops of the engine note the last such answer, for the watchdog and
 * for people. Only an answer to the engine's own claims, proofs and registration is noted, and only while it is fresh does
 * it mean anything: a loop that hangs has no fresh answer (law 6).
 */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly atMs: number;
}

/** Null when the error is none of these. A session hands on 25006 as the cause of a lost connection. */
export function refusalOf(error: unknown, atMs: number): Refusal | null {
  for (const candidate of [error, (error as { cause?: unknown } | null)?.cause]) {
    const { code, message } = (candidate ?? {}) as { code?: unknown; message?: unknown };
    if (typeof code === 'string' && /^(53...|25006)$/.test(code)) return { code, message: String(message), atMs };
  }
  return null;
}
