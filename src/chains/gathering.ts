/**
 * Gathering: what many callers want written at about the same time goes to the database together. There is no timer: with
 * little to do a lone caller's is written at once, in the next turn of the loop; while writes are under way, what comes
 * gathers for the next one. At most `atOnce` writes run, each of at most `largest`; the order of arrival is kept.
 */
export interface Gathered<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

export interface GatheringOptions<Item, Result> {
  readonly largest: number;
  readonly atOnce: number;
  /** Settles every one of the group and never rejects. */
  readonly write: (group: readonly Gathered<Item, Result>[]) => Promise<void>;
}

export function gathering<Item, Result>({ largest, atOnce, write }: GatheringOptions<Item, Result>) {
  let waiting: Gathered<Item, Result>[] = [];
  let running = 0;
  let begun = false;

  function begin(): void {
    if (begun || running >= atOnce || waiting.length === 0) return;
    begun = true;
    setImmediate(() => {
      begun = false;
      const group = waiting.slice(0, largest);
      waiting = waiting.slice(largest);
      running += 1;
      void write(group).finally(() => {
        running -= 1;
        begin();
      });
      begin();
    });
  }

  return (item: Item): Promise<Result> =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      begin();
    });
}

/**
 * Runs `write` for the group; what PostgreSQL refuses to store (SQLSTATE 22, 23, 54) is found by halving and rejects alone,
 * any other error rejects all of them. Never rejects.
 */
export async function halving<Item, Result>(
  group: readonly Gathered<Item, Result>[],
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
): Promise<void> {
  try {
    const results = await write(group.map(({ item }) => item));
    for (let at = 0; at < group.length; at += 1) group[at]!.resolve(results[at]!);
  } catch (error) {
    if (group.length === 1 || !isRefused(error)) {
      for (const { reject } of group) reject(error);
      return;
    }
    const half = Math.ceil(group.length / 2);
    await halving(group.slice(0, half), write);
    await halving(group.slice(half), write);
  }
}

/** What no row can hold, whoever tries. */
export function isRefused(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^(22|23|54)...$/.test(code);
}
