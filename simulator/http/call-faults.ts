/**
 * Faults of calls: a JSON list of `{ "at", "nth"?, "times"?, "fault", "arg"? }`. The `nth` call of an endpoint after the plan
 * was given (default: the next one) and the `times - 1` after it meet the fault; `times` 0 is for ever. `arg.only` is a number
 * that the call's path, query or body must hold: others are not counted. Endpoints whose name ends in `.file` are documents, not calls: `nth` counts them, and the fault lasts until the document is delivered well.
 */
export interface CallFault {
  at: string;
  /** 1-based. */
  nth: number;
  /** 0: for ever. */
  times: number;
  fault: string;
  /** The first of its kinds when the plan names none. */
  kind: string;
  arg: Readonly<Record<string, number>>;
}

/** Fault codes with their kinds, per endpoint. */
export type FaultMenu = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** What any call may meet. */
export const callTrouble = {
  F02: ['429'],
  F03: ['500', '503', 'html', 'html-502', 'timeout', 'reset'],
  F04: ['truncated'],
  F15: ['slow'],
} as const;

/** Throws an Error that names the entry and what would be right. */
export function parseCallFaults(plan: unknown, menu: FaultMenu): CallFault[] {
  if (!Array.isArray(plan)) throw new Error('the plan is no JSON list');
  return plan.map((entry: unknown, index) => readCallFault(entry, `entry ${index + 1}`, menu));
}

export function isCallFault(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && 'at' in entry;
}

function readCallFault(entry: unknown, where: string, menu: FaultMenu): CallFault {
  if (typeof entry !== 'object' || entry === null) throw new Error(`${where} is no object`);
  const { at, nth = 1, times = 1, fault, arg = {}, ...rest } = entry as Record<string, unknown>;
  const surplus = Object.keys(rest)[0];
  if (surplus !== undefined) throw new Error(`${where}: unknown key "${surplus}"`);
  const faults = typeof at === 'string' && Object.hasOwn(menu, at) ? menu[at] : undefined;
  if (faults === undefined) throw new Error(`${where}: "at" is ${JSON.stringify(at)}, not one of ${listed(menu)}`);
  const kinds = typeof fault === 'string' && Object.hasOwn(faults, fault) ? faults[fault] : undefined;
  if (kinds === undefined) {
    throw new Error(`${where}: "fault" at ${String(at)} is ${JSON.stringify(fault)}, not one of ${listed(faults)}`);
  }
  if (typeof arg !== 'object' || arg === null) throw new Error(`${where}: "arg" is no object`);
  const { kind = kinds[0], ...numbers } = arg as Record<string, unknown>;
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    const known = kinds.join(', ');
    throw new Error(`${where}: "kind" of ${String(fault)} is ${JSON.stringify(kind)}, not one of ${known}`);
  }
  for (const [name, value] of Object.entries({ nth, times, ...numbers })) {
    if (!Number.isSafeInteger(value) || (value as number) < 0)
      throw new Error(`${where}: "${name}" is no whole number`);
  }
  const counts = { nth: nth as number, times: times as number, arg: numbers as Record<string, number> };
  if (counts.nth < 1) throw new Error(`${where}: "nth" counts from 1`);
  return { at: at as string, fault: fault as string, kind, ...counts };
}

function listed(known: object): string {
  return Object.keys(known).join(', ');
}

export interface CallFaults {
  add(faults: readonly CallFault[]): void;
  /** Counts a call of the endpoint; the fault it meets, if any. `text`: what it says, for faults that are not for every call. */
  take(at: string, text: string): CallFault | null;
  /** Faults of documents, for whoever makes them. */
  ofDocuments(at: string): readonly CallFault[];
  /** Ends a document's faults. */
  end(at: string, nth: number): void;
  pending(): readonly CallFault[];
  /** What was met, in order. */
  met(): readonly { at: string; fault: string; kind: string }[];
  clear(): void;
}

export function createCallFaults(): CallFaults {
  let open: (CallFault & { left: number; wait: number })[] = [];
  const met: { at: string; fault: string; kind: string }[] = [];
  return {
    add(faults) {
      const endless = (fault: CallFault) => (fault.times === 0 ? Number.POSITIVE_INFINITY : fault.times);
      open.push(...faults.map((fault) => ({ ...fault, left: endless(fault), wait: fault.nth - 1 })));
    },
    take(at, text) {
      const meant = open.filter(
        ({ at: where, arg: { only } }) => where === at && (only === undefined || text.includes(String(only))),
      );
      const due = meant.find((fault) => fault.wait === 0) ?? null;
      for (const fault of meant) if (fault.wait > 0) fault.wait -= 1;
      if (due === null) return null;
      due.left -= 1;
      if (due.left <= 0) open = open.filter((fault) => fault !== due);
      met.push({ at: due.at, fault: due.fault, kind: due.kind });
      return due;
    },
    ofDocuments: (at) => open.filter((fault) => fault.at === at),
    end(at, nth) {
      open = open.filter((fault) => fault.at !== at || fault.nth !== nth);
    },
    pending: () => open.map(({ left: _left, wait: _wait, ...fault }) => fault),
    met: () => met,
    clear() {
      open = [];
    },
  };
}
