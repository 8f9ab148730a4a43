/** What a run tells: its seed, each fault with how often it was done and how often it hit, and what was found. */
import type { RunResult } from './run.ts';

export function reportOf(seed: string, { injected, findings, figures }: RunResult): string {
  const rows = Map.groupBy(injected, ({ name }) => name);
  const lines = [...rows]
    .map(([name, list]) => {
      const hits = list.filter(({ hit }) => hit !== null);
      const last = hits.at(-1)?.hit ?? '';
      return { row: list[0]!.row, text: `${name.padEnd(58)} ${count(list.length)} ${count(hits.length)}  ${last}` };
    })
    .sort((a, b) => a.row - b.row || a.text.localeCompare(b.text))
    .map(({ row, text }) => `${String(row).padStart(3)}  ${text}`);
  return [
    `row  ${'fault'.padEnd(58)} done  hit  such as`,
    ...lines,
    '',
    ...figures,
    '',
    findings.length === 0 ? `seed ${seed}: every checker is satisfied` : `seed ${seed}: ${findings.length} findings`,
    ...findings.map((finding) => `  ${finding}`),
  ].join('\n');
}

function count(number: number): string {
  return String(number).padStart(4);
}
